from service.monitoring.histogram import Histogram


def test_a_value_is_in_the_bin_whose_bound_it_does_not_pass() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 3.0):
        histogram.add(value)
    histogram.add(2.0, times=2)
    assert histogram.counts == [2, 3, 1]
    assert histogram.buckets() == [("1.0", 2), ("2.0", 5), ("+Inf", 6)]
    assert histogram.total == 10.0
    assert histogram.mean == 10.0 / 6


def test_what_is_merged_or_sent_counts_as_if_it_were_one() -> None:
    both, one, other = Histogram((1.0,)), Histogram((1.0,)), Histogram((1.0,))
    for histogram, value in ((one, 0.5), (other, 2.0)):
        histogram.add(value)
        both.add(value)
    one.merge(Histogram((1.0,), **other.fields()))
    assert one == both


def test_an_empty_histogram_has_no_mean() -> None:
    assert Histogram((1.0,)).mean is None
