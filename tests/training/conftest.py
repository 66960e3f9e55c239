import torch

# Networks of a few weights are trained here: threads would only wait for each other.
torch.set_num_threads(1)
