from __future__ import annotations

import threading

import pytest
from automl_runtime.serving.caching import ResultCache
from hypothesis import given
from hypothesis import strategies as st


def test_what_was_put_is_found_until_it_is_too_old() -> None:
    now = [0.0]
    cache: ResultCache[str] = ResultCache(10_000, 60.0, lambda: now[0])
    cache.put("a", "one", 10)
    now[0] = 59.0
    assert cache.get("a") == "one"
    now[0] = 60.0
    assert cache.get("a") is None
    assert (len(cache), cache.bytes) == (0, 0)
    assert (cache.counts.hits, cache.counts.misses, cache.counts.expired) == (1, 1, 1)


def test_the_least_recently_used_makes_room() -> None:
    cache: ResultCache[int] = ResultCache(3 * 300)
    for key in ("a", "b", "c"):
        cache.put(key, 1, 100)
    cache.get("a")
    cache.put("d", 1, 100)
    assert [cache.get(key) is not None for key in ("a", "b", "c", "d")] == [True, False, True, True]
    assert cache.counts.evicted == 1


@pytest.mark.parametrize("most_bytes", [0, 250])
def test_what_is_larger_than_the_cache_is_not_kept(most_bytes: int) -> None:
    cache: ResultCache[int] = ResultCache(most_bytes)
    cache.put("a", 1, 100)
    assert cache.get("a") is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 500)), max_size=80), st.integers(0, 3000))
def test_the_bytes_are_bounded_and_add_up(puts: list[tuple[int, int]], most_bytes: int) -> None:
    cache: ResultCache[int] = ResultCache(most_bytes)
    last = {}
    for key, size in puts:
        cache.put(key, size, size)
        last[key] = size
        assert cache.bytes <= most_bytes
    kept = [key for key in range(21) if cache.get(key) is not None]
    assert cache.bytes == sum(last[key] + 200 for key in kept)
    assert all(cache.get(key) == last[key] for key in kept)


def test_threads_do_not_harm_it() -> None:
    cache: ResultCache[int] = ResultCache(20_000)

    def work(offset: int) -> None:
        for number in range(2_000):
            key = (number * 7 + offset) % 97
            if cache.get(key) not in (None, key):
                raise AssertionError
            cache.put(key, key, 50)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.counts.hits + cache.counts.misses == 8_000
    assert cache.bytes == 250 * len(cache) <= 20_000
