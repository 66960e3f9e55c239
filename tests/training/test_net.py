"""The networks: what they see, what they answer, and what they are taught."""

from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fourcast_models.connect4.board import COLUMNS, ROWS, Board, legal_columns, parse_moves
from fourcast_models.connect4.book import ILLEGAL
from fourcast_models.connect4.codec import encode
from fourcast_training.connect4.net import (
    OUTCOME_WEIGHT,
    Architecture,
    BoardFeatures,
    Heads,
    ResidualNet,
    ServedNet,
    SlidesNet,
    build,
)
from fourcast_training.connect4.train import scores_loss
from fourcast_training.growing import widen
from tests.models import naive
from tests.models.naive import board_after, games

ILL = float(ILLEGAL)


def planes_of(*boards: Board) -> Tensor:
    return torch.from_numpy(encode(boards))


def drawn(cells: set[tuple[int, int]]) -> list[list[float]]:
    """A plane with 1 on these cells (column, row from the bottom), top row first."""
    return [
        [float((column, row) in cells) for column in range(COLUMNS)]
        for row in reversed(range(ROWS))
    ]


@settings(max_examples=60)
@given(games())
def test_the_features_are_the_naive_ones(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    grid = naive.grid_of(board)
    own, other = ("1", "2") if board.first_to_move else ("2", "1")
    cells = [(column, row) for column in range(COLUMNS) for row in range(ROWS)]

    def holding(character: str) -> set[tuple[int, int]]:
        return {(column, row) for column, row in cells if grid[column][row] == character}

    playable = {(c, column.index(".")) for c, column in enumerate(grid) if "." in column}
    features = BoardFeatures()(planes_of(board))
    assert features.shape == (1, BoardFeatures.PLANES, ROWS, COLUMNS)
    assert features.dtype == torch.float32
    found = features[0].tolist()
    assert found[0] == drawn(holding(own))
    assert found[1] == drawn(holding(other))
    assert found[2] == drawn(holding("."))
    assert found[3] == drawn(playable)
    assert found[4] == drawn(naive.completing_cells(grid, own))
    assert found[5] == drawn(naive.completing_cells(grid, other))


@given(games())
def test_parity_marks_the_rows_that_fall_to_the_mover(columns: tuple[int, ...]) -> None:
    board = board_after(columns)
    parity = BoardFeatures()(planes_of(board))[0, 6]
    # If columns fill up alternately the first player gets rows 1, 3 and 5 from the bottom.
    sign = 1.0 if board.first_to_move else -1.0
    for row in range(ROWS):
        assert parity[ROWS - 1 - row].tolist() == [sign * (1 if row % 2 == 0 else -1)] * COLUMNS


def test_winning_cells_out_of_reach_are_seen() -> None:
    # The first player holds cells 2, 3 and 4 of the second row; its ends are over empty cells.
    board = parse_moves("2233447")
    features = BoardFeatures()(planes_of(board))[0]
    assert features[4].tolist() == drawn({(0, 1), (4, 1)})
    assert features[5].tolist() == drawn({(0, 0), (4, 0)})
    assert features[3].tolist() == drawn({(0, 0), (1, 2), (2, 2), (3, 2), (4, 0), (5, 0), (6, 1)})


@pytest.mark.parametrize("architecture", ["slides", "residual"])
def test_a_served_network_gives_probabilities(architecture: Architecture) -> None:
    torch.manual_seed(3)
    network = ServedNet(build(architecture, channels=8, blocks=1), mirrors=True).eval()

    @settings(max_examples=60)
    @given(st.lists(games(), min_size=1, max_size=8))
    def check(columns: list[tuple[int, ...]]) -> None:
        boards = [board for game in columns if legal_columns(board := board_after(game))]
        if not boards:
            return
        with torch.inference_mode():
            policy, *value = network(planes_of(*boards))
        assert policy.dtype == torch.float32
        assert policy.shape == (len(boards), COLUMNS)
        for board, row in zip(boards, policy, strict=True):
            for column in range(COLUMNS):
                assert (row[column] == 0) == (column not in legal_columns(board))
        torch.testing.assert_close(policy.sum(dim=1), torch.ones(len(boards)))
        assert len(value) == (architecture == "residual")
        for outcomes in value:
            assert outcomes.shape == (len(boards), 3)
            torch.testing.assert_close(outcomes.sum(dim=1), torch.ones(len(boards)))

    check()


def test_full_columns_stay_at_zero_however_sure_the_network_is() -> None:
    class Sure(torch.nn.Module):
        """Wants the first column, which is full, and the last one least of all."""

        def forward(self, board: Tensor) -> Heads:
            logits = torch.tensor([500.0, 0, 0, 0, 0, 0, -500.0])
            return Heads(logits.expand(len(board), COLUMNS), None, None)

    (policy,) = ServedNet(Sure(), mirrors=False)(planes_of(parse_moves("111111")))
    assert policy.tolist() == [[0.0, *([pytest.approx(0.2)] * 5), 0.0]]
    nearly_full = parse_moves("162425751166561157146745773222576443433")
    (policy,) = ServedNet(Sure(), mirrors=False)(planes_of(nearly_full))
    legal = legal_columns(nearly_full)
    assert 0 < len(legal) < 4
    assert policy[0].nonzero()[:, 0].tolist() == list(legal)
    assert policy.sum().item() == pytest.approx(1)


def test_what_is_expected_after_a_column_counts_in_the_served_policy() -> None:
    class TwoMinds(torch.nn.Module):
        def forward(self, board: Tensor) -> Heads:
            policy = torch.zeros(len(board), COLUMNS)
            # Sure of a win with column 2, of a draw with 3 and of a loss with the others.
            outcomes = torch.tensor([[0.0, 0, 99]] * COLUMNS)
            outcomes[1], outcomes[2] = torch.tensor([99.0, 0, 0]), torch.tensor([0.0, 99, 0])
            return Heads(policy, torch.zeros(len(board), 3), outcomes.expand(len(board), -1, -1))

    policy, _ = ServedNet(TwoMinds(), mirrors=False)(planes_of(parse_moves("")))
    odds = (policy[0] / policy[0, 2]).log().tolist()
    lost = pytest.approx(-OUTCOME_WEIGHT)
    assert odds == [lost, pytest.approx(OUTCOME_WEIGHT), 0.0, lost, lost, lost, lost]


@pytest.mark.parametrize("architecture", ["slides", "residual"])
def test_a_mirrored_board_gets_the_mirrored_answer(architecture: Architecture) -> None:
    torch.manual_seed(5)
    network = build(architecture, channels=8, blocks=1).eval()
    boards = planes_of(*(parse_moves(moves) for moves in ("1", "12", "4453", "7761")))
    with torch.inference_mode():
        one = ServedNet(network, mirrors=False)
        served = ServedNet(network, mirrors=True)
        policy, *value = served(boards)
        mirrored, *same = served(boards.flip(3))
        logits = [one(side)[0].log() for side in (boards, boards.flip(3))]
    torch.testing.assert_close(mirrored.flip(1), policy)
    torch.testing.assert_close(same, value)
    expected = torch.softmax((logits[0] + logits[1].flip(1)) / 2, dim=1)
    torch.testing.assert_close(policy, expected)
    assert (one(boards)[0] - policy).abs().max() > 1e-3


@pytest.mark.parametrize(("channels", "blocks"), [(8, 2), (12, 2), (8, 4), (11, 3)])
def test_a_grown_network_answers_as_before_and_can_learn(channels: int, blocks: int) -> None:
    torch.manual_seed(6)
    small = ResidualNet(8, 2)
    boards = planes_of(*(parse_moves("4453127"[:stones]) for stones in range(7)))
    small(boards)  # so that its normalisations have seen something
    grown = ResidualNet(channels, blocks)
    grown.grow_from(small.state_dict())
    for one, other in zip(grown.eval()(boards), small.eval()(boards), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    optimizer = torch.optim.SGD(grown.parameters(), lr=0.1)
    before = {name: weight.clone() for name, weight in grown.named_parameters()}
    for _ in range(3):  # what a zero hides from the first step, the next ones see
        optimizer.zero_grad()
        heads: Heads = grown.train()(boards)
        assert heads.value is not None
        assert heads.outcomes is not None
        squares = [one.square().sum() for one in (heads.policy, heads.value, heads.outcomes)]
        torch.stack(squares).sum().backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()
    for name, weight in grown.named_parameters():
        assert (weight != before[name]).any(), name


@pytest.mark.parametrize("smaller", [(7, 2), (8, 1)])
def test_a_larger_network_is_refused(smaller: tuple[int, int]) -> None:
    with pytest.raises(RuntimeError, match=r"not all|size mismatch"):
        ResidualNet(*smaller).grow_from(ResidualNet(8, 2).state_dict())


@pytest.mark.parametrize("architecture", ["slides", "residual"])
def test_positions_do_not_see_their_neighbours_in_a_batch(architecture: Architecture) -> None:
    torch.manual_seed(4)
    network = ServedNet(build(architecture, channels=8, blocks=1), mirrors=True).eval()
    boards = planes_of(*(parse_moves("4453621"[:length]) for length in range(8)))
    with torch.inference_mode():
        together = network(boards)
        alone = [network(board[None]) for board in boards]
    for index, output in enumerate(together):
        torch.testing.assert_close(output, torch.cat([single[index] for single in alone]))


def test_sizes_are_those_of_the_code() -> None:
    slides = sum(p.numel() for p in SlidesNet().parameters())
    assert slides == (2 * 16 + 1) * 64 + (64 * 3 * 4 + 1) * 128 + (128 + 1) * 7
    narrow, wide = (
        sum(p.numel() for p in ResidualNet(channels, 2).parameters()) for channels in (8, 16)
    )
    assert narrow < wide
    deep = sum(p.numel() for p in ResidualNet(8, 4).parameters())
    # Two blocks more, each of two convolutions of 3 by 3 and their normalisations.
    assert deep - narrow == 2 * 2 * (8 * 8 * 9 + 2 * 8)


def heads_for(scores: Tensor, policy: Tensor) -> Heads:
    """Heads that are sure of the right outcomes, with a policy of one's choice."""
    legal = scores != ILLEGAL
    best = scores.masked_fill(~legal, -100).max(dim=1).values
    classes = {1.0: 0, 0.0: 1, -1.0: 2}

    def sure(values: Tensor) -> Tensor:
        flat = [classes[sign] for sign in values.sign().flatten().tolist()]
        logits = 100 * torch.nn.functional.one_hot(torch.tensor(flat), 3).float()
        return logits.view(*values.shape, 3)

    return Heads(policy, sure(best), sure(scores))


def best_policy(scores: Tensor, temperature: float) -> tuple[Tensor, float]:
    """The logits with the least loss for these scores, found by descent, and that loss."""
    logits = torch.zeros(scores.shape, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = scores_loss(heads_for(scores, logits), scores, temperature)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return logits.detach(), closure().item()


def test_the_right_column_costs_almost_nothing_and_a_wrong_one_much() -> None:
    scores = torch.tensor([[-5.0, ILL, 12.0, -1.0, 0.0, -18.0, ILL]])
    policy = torch.full((1, COLUMNS), -50.0)
    policy[0, 2] = 50
    assert scores_loss(heads_for(scores, policy), scores, 0.5).item() < 1e-4
    assert scores_loss(heads_for(scores, policy.roll(2, dims=1)), scores, 0.5).item() > 50


def test_equal_columns_share_equally_and_better_ones_get_more() -> None:
    scores = torch.tensor([[3.0, 3.0, 2.0, -1.0, 0.0, ILL, 3.0]])
    logits, _ = best_policy(scores, temperature=2.0)
    shares = torch.softmax(logits.masked_fill(scores == ILLEGAL, -torch.inf), dim=1)[0]
    assert shares[0].item() == pytest.approx(shares[1].item(), rel=0.01)
    assert shares[0].item() == pytest.approx(shares[6].item(), rel=0.01)
    # One point worse at a temperature of 2.
    assert (shares[2] / shares[0]).item() == pytest.approx(np.exp(-1 / 2), rel=0.02)
    assert shares[2] > shares[4] > shares[3] > 0
    assert shares[5] == 0
    # A win stands out from a draw by more than its points do: 2 points and the bonus.
    assert (shares[4] / shares[2]).item() < 0.5 * np.exp(-2 / 2)


def test_full_columns_do_not_count_in_the_loss() -> None:
    scores = torch.tensor([[1.0, ILL, 0.0, ILL, -2.0, 1.0, -3.0]])
    policy = torch.tensor([[1.0, 0, 0, 0, 0, 1.0, 0]])
    before = scores_loss(heads_for(scores, policy), scores, 0.5)
    policy[0, [1, 3]] = torch.tensor([70.0, -70.0])
    heads = heads_for(scores, policy)
    outcomes = cast(Tensor, heads.outcomes).clone()
    outcomes[0, [1, 3]] = 70.0
    after = scores_loss(heads._replace(outcomes=outcomes), scores, 0.5)
    assert after.item() == pytest.approx(before.item())


@pytest.mark.parametrize("head", ["value", "outcomes"])
def test_wrong_outcomes_cost(head: str) -> None:
    scores = torch.tensor([[1.0, 2.0, 0.0, ILL, -2.0, 1.0, -3.0]])
    policy, least = best_policy(scores, temperature=0.5)
    heads = heads_for(scores, policy)
    wrong = heads._replace(**{head: getattr(heads, head).roll(1, dims=-1)})
    assert scores_loss(wrong, scores, 0.5).item() > least + 50


def test_a_batch_costs_the_mean_of_its_positions() -> None:
    scores = torch.tensor(
        [[1.0, 2.0, 0.0, -4.0, -2.0, 1.0, -3.0], [-1.0, -2.0, -5.0, -4.0, -2.0, -1.0, -3.0]]
    )
    policy = torch.randn(2, COLUMNS, generator=torch.Generator().manual_seed(0))
    heads = heads_for(scores, policy)
    both = scores_loss(heads, scores, 0.5).item()
    single = [
        scores_loss(Heads(*(cast(Tensor, h)[i : i + 1] for h in heads)), scores[i : i + 1], 0.5)
        for i in range(2)
    ]
    assert both == pytest.approx(sum(value.item() for value in single) / 2, rel=1e-5)


def test_a_network_without_a_layer_is_not_grown_from() -> None:
    weights = ResidualNet(8, 2).state_dict()
    del weights["policy.weight"]
    with pytest.raises(RuntimeError, match="not all of its layers"):
        ResidualNet(8, 2).grow_from(weights)
    with pytest.raises(KeyError, match=r"policy\.weight"):
        widen(ResidualNet(8, 2), weights)
