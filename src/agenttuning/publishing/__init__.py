"""What a run made, as a folder that a model hub takes, with a card, and the folder's way there.

target      hf:USER/NAME or ms:USER/NAME
found       what a run or a folder holds: the weights, their base, the rows, the scores
rows        licences and keys of rows: what must not be published is refused
folder      the exact folder: weights, data, licence texts, scores.json
model_card  the card of a model or an adapter      (a data set's is corpus/formats/hub.py's)
upload      the folder's way to the hub
"""
