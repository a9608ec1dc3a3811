"""A model that learns in two steps what one network then does at once: pictures -> articulation -> sound.

training.articulation.mel_decoder     articulation -> mel: a BiLSTM on phantoms' sound and truth, which need no pictures
training.articulation.label_maps   a cache of label maps with their articulation
training.articulation.image_encoder      picture -> articulation: a CNN on single pictures, each with looks of its own
training.articulation.finetune       both as one AcousticModel, fine-tuned on clips: a run for training.publish

The read-out of the CNN and the input weights of the BiLSTM are both linear: their product is one matrix, and the model
that is published has the thesis' form. Nothing at run time knows of articulation.
"""
