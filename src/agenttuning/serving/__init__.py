"""A model behind the OpenAI-compatible API and Text Generation Inference's, for whoever speaks HTTP."""
