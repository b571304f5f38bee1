"""A server that does not answer is left alone for a while, and then tried by one request."""

from cds_hooks.exchange.breaker import LIMIT, PAUSE, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(LIMIT):
        assert breaker.admits()
        breaker.heard(in_vain=True)
    return breaker, clock


def test_one_wait_in_vain_less_than_the_limit_changes_nothing() -> None:
    breaker = Breaker(Clock())
    said = [breaker.heard(in_vain=True) for _ in range(LIMIT - 1)]
    assert said == [False] * (LIMIT - 1)
    assert breaker.admits()
    assert breaker.heard(in_vain=True)
    assert not breaker.admits()


def test_an_answer_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock())
    for in_vain in [*[True] * (LIMIT - 1), False, *[True] * (LIMIT - 1)]:
        breaker.heard(in_vain=in_vain)
    assert breaker.admits()


def test_the_pause_lasts_to_its_last_moment() -> None:
    breaker, clock = opened()
    clock.now += PAUSE - 0.01
    assert not breaker.admits()
    clock.now += 0.01
    assert breaker.admits()


def test_after_the_pause_one_request_tries_and_the_others_wait_for_it() -> None:
    breaker, clock = opened()
    clock.now += PAUSE
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.heard(in_vain=False)
    assert breaker.admits()
    assert breaker.admits()


def test_a_trial_in_vain_begins_another_pause() -> None:
    breaker, clock = opened()
    clock.now += PAUSE
    assert breaker.admits()
    assert breaker.heard(in_vain=True)
    assert not breaker.admits()
    clock.now += PAUSE
    assert breaker.admits()


def test_requests_that_were_under_way_do_not_lengthen_the_pause() -> None:
    breaker, clock = opened()
    clock.now += PAUSE / 2
    assert not breaker.heard(in_vain=True)
    clock.now += PAUSE / 2
    assert breaker.admits()
