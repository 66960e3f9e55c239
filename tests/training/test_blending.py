"""Between a network and what further training made of it."""

import copy

import pytest
import torch
from torch import nn

from fourcast_training.blending import blend
from tests.training.test_doodle_net import network, random_pictures


@pytest.fixture
def trained() -> nn.Module:
    """The small network of the other tests, after some steps."""
    net = network().train()
    pictures = random_pictures("bitmap", 32)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        net(pictures).square().mean().backward()
        optimizer.step()
    return net


def test_weights_lie_on_the_line_between(trained: nn.Module) -> None:
    before, after = network().state_dict(), copy.deepcopy(trained.state_dict())
    blend(trained, before, 0.25, random_pictures("bitmap", 32))
    assert not trained.training
    for name, weight in trained.named_parameters():
        expected = 0.75 * before[name] + 0.25 * after[name]
        torch.testing.assert_close(weight.detach(), expected)
        assert (before[name] != after[name]).any(), name


def test_normalisations_are_measured_anew(trained: nn.Module) -> None:
    pictures = random_pictures("bitmap", 345)
    blend(trained, network().state_dict(), 0.5, pictures)
    with torch.inference_mode():
        in_use = trained(pictures)
        again = copy.deepcopy(trained).train()
        again.get_submodule("dropout").eval()
        in_training = again(pictures)
    torch.testing.assert_close(in_use, in_training, atol=0.05, rtol=0.05)
    norms = [one for one in trained.modules() if isinstance(one, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {nn.BatchNorm2d(1).momentum}
