"""The compiled search: alpha-beta over bitboards with a transposition table, in numba.

`solver` is the door to this room; nothing else calls it. It is one long file because numba's cache
on disk notices a change of a function's own file only: split, an edit could run with stale code.

All numbers are signed 64-bit (the 49 bits of a board fit), because numba turns mixed signed and
unsigned arithmetic into floating point.

The search answers "is the score of this position above a bound?", and the driver halves the range
of scores until one is left. What makes it fast, in the order of a node's life:

- the *winning cells* of the side that moved last (empty cells that complete a four) were computed
  to order that move, and travel down with the position;
- two immediate threats against a player are a loss, one forces the reply: forced replies are played
  in a loop without a node of their own;
- a cell below the opponent's winning cell is not played while another one is left;
- the earliest possible win and loss, and the second player's follow-up strategy, bound the score
  before anything is searched;
- moves that make more winning cells come first, then central ones;
- early, all children are looked up before one is searched (enhanced transposition cut-off: A. Plaat
  et al., Exploiting Graph Properties of Game Trees, 1996);
- the table keeps a lower and an upper bound of the positions that cost most. It is far larger than
  a processor's caches, so to read it takes as long as to search some nodes. It is fetched ahead,
  and late positions, by far the most, have a table of their own that fits into a core's cache.

The caller owns the memory, and passes the addresses of int64 arrays, all zero at first: `counters`
(NODES counts searched nodes; a thread that sets STOP to non-zero ends the search), `scratch`
(SCRATCH_WORDS) and the table (a power of two of entries, at least 2**10). `tag_bits` is
KEY_BITS + 1 less the binary logarithm of the table's length.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, njit, types

from fourcast_models.connect4 import board as rules

NODES, STOP = 0, 1
COUNTERS = 2
"""Length of the counters array: the node counter and the stop flag."""

BOTTOM_ROW = rules.BOTTOM_ROW
FULL_BOARD = rules.FULL_BOARD
KEY_BITS = rules.COLUMN_BITS * rules.COLUMNS
CELLS = rules.CELLS
HALF = CELLS // 2 + 1
"""A win with the winner's n-th stone scores HALF - n."""

STOPPED = 2 * HALF
"""What `solve` returns, in place of a score, when it was stopped."""

KEY_MASK = (1 << KEY_BITS) - 1
HASH_FACTOR = 0x1_3C6E_F372_FE95
"""Odd, so that multiplying by it permutes the keys modulo 2**49: no two positions share an entry's
(bucket, tag), and a table hit is never false. The value is otherwise arbitrary."""

SCORE_OFFSET = 32
PAYLOAD_BITS = 18
"""An entry, from bit 0: lower bound + 32 (6 bits), upper bound + 32 (6 bits), log2 of the nodes
spent (6 bits), and the tag (the rest). Zero is an empty entry."""

SECOND_PLAYER_ROWS = (BOTTOM_ROW << 1) | (BOTTOM_ROW << 3) | (BOTTOM_ROW << 5)
CENTRE_COLUMN = rules.column_mask(3)
NEAR_CENTRE = rules.column_mask(2) | rules.column_mask(4)
FAR_FROM_CENTRE = rules.column_mask(1) | rules.column_mask(5)
EDGE_COLUMNS = rules.column_mask(0) | rules.column_mask(6)
MIRROR_PLIES = 10
"""Up to this ply a position is stored under the smaller of its own and its mirror image's key."""

CHILDREN_PLIES = 20
"""Before this ply all children are looked up before one is searched."""

LATE_PLIES = 25
"""From this ply on positions are kept in the late table."""

LATE_BITS = 16
"""Binary logarithm of the late table's length: half a mebibyte. A newer entry replaces an older."""

LATE_TAG_BITS = KEY_BITS - LATE_BITS
LATE_TAG_MASK = (1 << LATE_TAG_BITS) - 1

FRAME_WORDS = 2 * rules.COLUMNS
"""Words of a ply's frame: ordering key and winning cells of each move."""

LATE_OFFSET = CELLS * FRAME_WORDS
SCRATCH_WORDS = LATE_OFFSET + (1 << LATE_BITS)
"""Words of `scratch`: a frame for each ply, then the late table."""


def _intrinsic(function: Callable[..., Any]) -> Callable[..., int]:
    """`numba.extending.intrinsic`, typed as the compiled code calls what it makes."""
    compiled: Callable[..., int] = extending.intrinsic(function)
    return compiled


@_intrinsic
def _load(typing_context: Any, address: Any, index: Any) -> Any:
    """The int64 at ``address[index]``, without the cost of passing an array down a recursion."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_element(context, builder, arguments))

    return types.int64(types.int64, types.int64), generate


@_intrinsic
def _store(typing_context: Any, address: Any, index: Any, value: Any) -> Any:
    """Write an int64 to ``address[index]``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _element(context, builder, arguments))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@_intrinsic
def _prefetch(typing_context: Any, address: Any, index: Any) -> Any:
    """Begin to bring ``address[index]`` into the cache, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = builder.bitcast(_element(context, builder, arguments), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.type, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte.type], kind)
        # To read, to keep in all levels of the cache, data and not code.
        builder.call(prefetch, [byte, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@_intrinsic
def _popcount(typing_context: Any, bits: Any) -> Any:
    """How many bits are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate


def _element(context: Any, builder: Any, arguments: Any) -> Any:
    word = context.get_value_type(types.int64)
    pointer = builder.inttoptr(arguments[0], word.as_pointer())
    return builder.gep(pointer, [arguments[1]])


@njit("int64(int64, int64)", nogil=True, cache=True)
def winning_cells(stones: int, empty: int) -> int:
    """The cells of ``empty`` that complete four in a row of ``stones``, whether playable or not."""
    cells = (stones << 1) & (stones << 2) & (stones << 3)
    for step in (6, 7, 8):
        pair = (stones << step) & (stones << 2 * step)
        cells |= pair & (stones << 3 * step)
        cells |= pair & (stones >> step)
        pair = (stones >> step) & (stones >> 2 * step)
        cells |= pair & (stones >> 3 * step)
        cells |= pair & (stones << step)
    return cells & empty


@njit("int64(int64)", nogil=True, cache=True)
def _has_four(stones: int) -> int:
    four = 0
    for step in (1, 6, 7, 8):
        pair = stones & (stones >> step)
        four |= pair & (pair >> 2 * step)
    return four


@njit("int64(int64)", nogil=True, cache=True)
def _mirrored(bits: int) -> int:
    mirrored = bits & CENTRE_COLUMN
    mirrored |= (bits & 0x7F) << 42 | (bits >> 42) & 0x7F
    mirrored |= (bits & 0x3F80) << 28 | (bits >> 28) & 0x3F80
    mirrored |= (bits & 0x1F_C000) << 14 | (bits >> 14) & 0x1F_C000
    return mirrored


@njit("int64(int64, int64, int64)", nogil=True, cache=True)
def _hashed(mover: int, occupied: int, plies: int) -> int:
    """A permutation of the position's key: bucket in the high bits, tag in the low ones."""
    key = mover + occupied + BOTTOM_ROW
    if plies <= MIRROR_PLIES:
        key = min(key, _mirrored(mover) + _mirrored(occupied) + BOTTOM_ROW)
    return (key * HASH_FACTOR) & KEY_MASK


@njit("int64(int64, int64, int64)", nogil=True, cache=True)
def _probe(table: int, tag_bits: int, hashed: int) -> int:
    """The table's entry for a position, 0 if there is none."""
    tag = hashed & ((1 << tag_bits) - 1)
    slot = (hashed >> tag_bits) << 1
    entry = _load(table, slot)
    if entry >> PAYLOAD_BITS == tag:
        return entry
    entry = _load(table, slot + 1)
    if entry >> PAYLOAD_BITS == tag:
        return entry
    return 0


@njit("int64(int64, int64)", nogil=True, cache=True)
def _probe_late(scratch: int, hashed: int) -> int:
    """The late table's entry for a position, 0 if there is none."""
    entry = _load(scratch, LATE_OFFSET + (hashed >> LATE_TAG_BITS))
    return entry if entry >> PAYLOAD_BITS == hashed & LATE_TAG_MASK else 0


@njit("void(int64, int64, int64, int64)", nogil=True, cache=True)
def _remember_late(scratch: int, hashed: int, lower: int, upper: int) -> None:
    """Keep bounds in place of whatever was there."""
    payload = ((upper + SCORE_OFFSET) << 6) | (lower + SCORE_OFFSET)
    entry = ((hashed & LATE_TAG_MASK) << PAYLOAD_BITS) | payload
    _store(scratch, LATE_OFFSET + (hashed >> LATE_TAG_BITS), entry)


@njit("void(int64, int64, int64, int64, int64, int64)", nogil=True, cache=True)
def _remember(table: int, tag_bits: int, hashed: int, lower: int, upper: int, nodes: int) -> None:
    """Keep bounds in place of the position's old entry or of the cheaper of its bucket's two."""
    tag = hashed & ((1 << tag_bits) - 1)
    slot = (hashed >> tag_bits) << 1
    first = _load(table, slot)
    if first >> PAYLOAD_BITS != tag:
        second = _load(table, slot + 1)
        if second >> PAYLOAD_BITS == tag or (second >> 12) & 63 < (first >> 12) & 63:
            slot += 1
    work = 0
    while nodes > 1:
        nodes >>= 1
        work += 1
    payload = (work << 12) | ((upper + SCORE_OFFSET) << 6) | (lower + SCORE_OFFSET)
    _store(table, slot, (tag << PAYLOAD_BITS) | payload)


@njit("int64(int64, int64)", nogil=True, cache=True)
def _follow_up_bound(mover: int, occupied: int) -> int:
    """An upper bound on the first player's score when it is to move (an even number of stones).

    The second player has this strategy. Call a column odd if its number of empty cells is odd;
    there is an even number of such columns, so pair them up. When the first player takes the lowest
    empty cell of an odd column, answer with the lowest empty cell of its partner; every other stone
    is answered in its own column. An answer always exists: after each pair of stones the untouched
    odd columns keep their partners, and all others have an even number of empty cells.

    Above the lowest cell of an odd column, and in even columns from the bottom, the first player
    then gets the lower and the second player the upper cell of each pair, which lies in the rows
    SECOND_PLAYER_ROWS. So the first player never holds more than its stones, the empty cells
    outside those rows, and the lowest cells of odd columns. If these hold no four, it cannot win:
    at most 0. If moreover the second player's stones with the cells it is sure of hold a four, it
    wins, at the latest when everything but the cells above the highest of that four is full: at
    most -1 with a cell in the top row, -2 or -3 if two or four cells are left above it.

    (Follow-up and "claimeven": V. Allis, A Knowledge-Based Approach of Connect-Four, 1988.)
    """
    playable = (occupied + BOTTOM_ROW) & FULL_BOARD
    empty = FULL_BOARD ^ occupied
    if _has_four(mover | (empty & (playable | ~SECOND_PLAYER_ROWS))):
        return HALF
    sure = empty & SECOND_PLAYER_ROWS & ~playable
    second = mover ^ occupied
    if not _has_four(second | sure):
        return 0
    if _has_four(second | (sure & (BOTTOM_ROW << 1))):
        return -3
    if _has_four(second | (sure & ((BOTTOM_ROW << 1) | (BOTTOM_ROW << 3)))):
        return -2
    return -1


@njit(
    "int64(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)",
    nogil=True,
    cache=True,
)
def _negamax(
    mover: int,
    occupied: int,
    opponent_wins: int,
    plies: int,
    alpha: int,
    beta: int,
    counters: int,
    scratch: int,
    table: int,
    tag_bits: int,
) -> int:
    """The score of a position if it lies inside (alpha, beta), else a bound on the same side of it.

    Precondition: the side to move has no playable winning cell and the board is not full.
    Once STOP is set the result means nothing and the table is not written.
    """
    nodes_before = _load(counters, NODES)
    _store(counters, NODES, nodes_before + 1)
    sign = 1
    playable = (occupied + BOTTOM_ROW) & FULL_BOARD
    threats = opponent_wins & playable
    while threats:
        if threats & (threats - 1) or (threats << 1) & opponent_wins:
            return sign * ((plies + 3) // 2 - HALF)
        mover, opponent = mover ^ occupied, mover | threats
        occupied |= threats
        plies += 1
        if plies == CELLS:
            return 0
        opponent_wins = winning_cells(opponent, FULL_BOARD ^ occupied)
        alpha, beta = -beta, -alpha
        sign = -sign
        playable = (occupied + BOTTOM_ROW) & FULL_BOARD
        threats = opponent_wins & playable

    hashed = _hashed(mover, occupied, plies)
    if plies < LATE_PLIES:
        _prefetch(table, (hashed >> tag_bits) << 1)
    moves = playable & ~(opponent_wins >> 1)
    if moves == 0:
        return sign * ((plies + 3) // 2 - HALF)
    if plies >= CELLS - 2:
        return 0

    # Nobody can win with the next stone, so the earliest loss and win are two of one's own away.
    lower = (plies + 5) // 2 - HALF
    upper = HALF - (plies // 2 + 2)
    if plies & 1 == 0:
        upper = min(upper, _follow_up_bound(mover, occupied))
    if lower >= beta:
        return sign * lower
    if upper <= alpha:
        return sign * upper
    if plies & 1 and beta <= 0:
        candidates = moves
        while candidates:
            move = candidates & -candidates
            candidates ^= move
            reached = -_follow_up_bound(mover ^ occupied, occupied | move)
            if reached >= beta:
                return sign * reached

    if plies < LATE_PLIES:
        entry = _probe(table, tag_bits, hashed)
    else:
        entry = _probe_late(scratch, hashed)
    if entry:
        lower = max(lower, (entry & 63) - SCORE_OFFSET)
        upper = min(upper, ((entry >> 6) & 63) - SCORE_OFFSET)
        if lower >= beta:
            return sign * lower
        if upper <= alpha:
            return sign * upper
    alpha = max(alpha, lower)
    beta = min(beta, upper)
    if alpha >= beta:
        return sign * alpha

    frame = scratch + 8 * FRAME_WORDS * plies
    count = 0
    empty = FULL_BOARD ^ occupied
    while moves:
        move = moves & -moves
        moves ^= move
        wins = winning_cells(mover | move, empty ^ move)
        order = 8 * _popcount(wins)
        if move & CENTRE_COLUMN:
            order += 3
        elif move & NEAR_CENTRE:
            order += 2
        elif move & FAR_FROM_CENTRE:
            order += 1
        packed = (order << KEY_BITS) | move
        place = count
        while place > 0 and _load(frame, 2 * place - 2) < packed:
            _store(frame, 2 * place, _load(frame, 2 * place - 2))
            _store(frame, 2 * place + 1, _load(frame, 2 * place - 1))
            place -= 1
        _store(frame, 2 * place, packed)
        _store(frame, 2 * place + 1, wins)
        count += 1
        # A child whose reply is forced is not in the table; its grandchild is.
        if plies < CHILDREN_PLIES and not wins & ((playable ^ move) | (move << 1)):
            child = _probe(table, tag_bits, _hashed(mover ^ occupied, occupied | move, plies + 1))
            if child:
                reached = SCORE_OFFSET - ((child >> 6) & 63)
                if reached >= beta:
                    return sign * reached

    best = lower
    floor = alpha
    for place in range(count):
        move = _load(frame, 2 * place) & KEY_MASK
        score = -_negamax(
            mover ^ occupied,
            occupied | move,
            _load(frame, 2 * place + 1),
            plies + 1,
            -beta,
            -floor,
            counters,
            scratch,
            table,
            tag_bits,
        )
        if _load(counters, STOP):
            return 0
        best = max(best, score)
        floor = max(floor, score)
        if floor >= beta:
            break

    # `best` is the score itself strictly inside the window, a bound on it at the window's edges.
    if best >= beta:
        lower = best
    elif best <= alpha:
        upper = best
    else:
        lower = upper = best
    if plies < LATE_PLIES:
        spent = _load(counters, NODES) - nodes_before
        _remember(table, tag_bits, hashed, lower, upper, spent)
    else:
        _remember_late(scratch, hashed, lower, upper)
    return sign * best


@njit("int64(int64, int64, int64, int64, int64, int64, int64, int64)", nogil=True, cache=True)
def solve(
    mover: int,
    occupied: int,
    alpha: int,
    beta: int,
    counters: int,
    scratch: int,
    table: int,
    tag_bits: int,
) -> int:
    """The score of a position, over or not, by null-window searches.

    Exact if it lies inside [alpha, beta], else a bound on the same side: with beta = alpha + 1 one
    search tells whether the score is above alpha. Of a game that is over it is always exact.
    STOPPED if another thread set STOP meanwhile.
    """
    plies = _popcount(occupied)
    if _has_four(mover ^ occupied):
        return (plies + 1) // 2 - HALF
    if plies == CELLS:
        return 0
    empty = FULL_BOARD ^ occupied
    playable = (occupied + BOTTOM_ROW) & FULL_BOARD
    if winning_cells(mover, empty) & playable:
        return HALF - (plies // 2 + 1)
    opponent_wins = winning_cells(mover ^ occupied, empty)
    low = max(alpha, (plies + 3) // 2 - HALF)
    high = min(beta, max(0, HALF - (plies // 2 + 2)))
    while low < high and not _load(counters, STOP):
        # A search that only asks for an early win, or an early loss, is cut off early: take a third
        # off the farther end while 0 is inside, and halve what is left on one side of it.
        if low < 0 < high:
            middle = high - 1 - high // 3 if high > -low else low + (-low) // 3
        else:
            middle = (low + high) // 2
        score = _negamax(
            mover,
            occupied,
            opponent_wins,
            plies,
            middle,
            middle + 1,
            counters,
            scratch,
            table,
            tag_bits,
        )
        if score <= middle:
            high = score
        else:
            low = score
    return STOPPED if _load(counters, STOP) else low


@njit("int64(int64, int64, int64, int64, int64)", nogil=True, cache=True)
def forced_score(mover: int, occupied: int, alpha: int, beta: int, last_ply: int) -> int:
    """The score if one side can force its win on a board of at most `last_ply` stones, else 0.

    A depth-limited negamax without a table, for a search that must be over in milliseconds.
    """
    plies = _popcount(occupied)
    if plies >= last_ply:
        return 0
    playable = (occupied + BOTTOM_ROW) & FULL_BOARD
    empty = FULL_BOARD ^ occupied
    if winning_cells(mover, empty) & playable:
        return HALF - (plies // 2 + 1)
    if plies + 1 >= last_ply:
        return 0
    opponent_wins = winning_cells(mover ^ occupied, empty)
    threats = opponent_wins & playable
    moves = (threats if threats else playable) & ~(opponent_wins >> 1)
    if moves == 0 or threats & (threats - 1):
        return (plies + 3) // 2 - HALF
    best = -HALF
    for nearness in (CENTRE_COLUMN, NEAR_CENTRE, FAR_FROM_CENTRE, EDGE_COLUMNS):
        candidates = moves & nearness
        while candidates:
            move = candidates & -candidates
            candidates ^= move
            score = -forced_score(mover ^ occupied, occupied | move, -beta, -alpha, last_ply)
            best = max(best, score)
            alpha = max(alpha, score)
            if alpha >= beta:
                return best
    return best
