"""Training in two steps of a model that one network then computes at once: pictures -> articulation -> mel.

training.articulation.mel_decoder     articulation -> mel: a BiLSTM on phantoms' sound and truth, which need no pictures
training.articulation.label_maps      a cache of label maps with their articulation
training.articulation.image_encoder   picture -> articulation: a CNN on single pictures of random appearance
training.articulation.finetune        both as one AcousticModel, fine-tuned on clips: a run for training.publish

The linear probe of the CNN and the input weights of the BiLSTM are both linear: their product is one matrix, and the
model that is published has the thesis' form. Nothing at run time knows of articulation.
"""
