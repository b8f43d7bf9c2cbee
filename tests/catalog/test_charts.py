"""The points of training curves."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.charts import Chart, training_charts


def head(**metrics: object) -> dict[str, object]:
    return {"head": metrics}


def only(history: Mapping[str, object]) -> Chart:
    [chart] = training_charts(history)
    return chart


def test_a_run_without_a_history_has_no_charts() -> None:
    assert training_charts({}) == []
    assert training_charts({"head": {}}) == []


def test_accuracy_and_loss_get_a_chart_each() -> None:
    charts = training_charts(head(accuracy=[0.5, 0.6], loss=[1.0, 0.8]))
    assert [chart.key for chart in charts] == ["accuracy", "loss"]


def test_a_higher_share_stands_higher_in_the_picture() -> None:
    chart = only(head(accuracy=[0.2, 0.9]))
    low, high = chart.lines[0].points()
    assert high.y < low.y
    assert high.x > low.x


def test_a_perfect_share_touches_the_top_and_none_the_bottom() -> None:
    chart = only(head(accuracy=[0.0, 1.0]))
    none, perfect = chart.lines[0].points()
    assert (none.y, perfect.y) == (chart.bottom, chart.top)


def test_every_point_stays_inside_the_picture() -> None:
    chart = only(head(loss=[7.3, 0.001, 2.5], val_loss=[9.9, 4.0, 3.0]))
    for line in chart.lines:
        for point in line.points():
            assert chart.left <= point.x <= chart.right
            assert chart.top <= point.y <= chart.bottom


def test_fine_tuning_goes_on_where_the_first_phase_ended() -> None:
    history = {"head": {"accuracy": [0.5, 0.6]}, "fine-tune": {"accuracy": [0.7]}}
    chart = only(history)
    assert [row.round for row in chart.rows] == [1, 2, 3]
    assert [phase.name for phase in chart.phases] == ["Learning to sort", "Fine-tuning"]
    before, after = chart.phases
    assert before.is_first
    assert not after.is_first
    assert chart.lines[0].points()[1].x < after.start < chart.lines[0].points()[2].x


def test_a_line_does_not_leap_from_one_phase_to_the_next() -> None:
    history = {"head": {"loss": [2.0, 1.0]}, "fine-tune": {"loss": [2.0, 1.0]}}
    assert [len(piece) for piece in only(history).lines[0].pieces] == [2, 2]


def test_a_value_that_is_not_a_number_breaks_the_line() -> None:
    chart = only(head(loss=[1.0, float("nan"), 0.5, None, "x", 0.4]))
    assert [len(piece) for piece in chart.lines[0].pieces] == [1, 1, 1]
    assert chart.rows[1].values == [None, None]


def test_a_history_of_another_shape_is_left_out() -> None:
    assert training_charts({"head": [1, 2], "note": "x", "fine-tune": {"accuracy": "high"}}) == []


def test_a_single_round_can_be_drawn() -> None:
    chart = only(head(accuracy=[0.5], val_accuracy=[0.4]))
    assert [tick.label for tick in chart.x_ticks] == ["1"]
    assert all(line.dots for line in chart.lines)


def test_a_loss_of_zero_can_be_drawn() -> None:
    assert only(head(loss=[0.0, 0.0])).lines[0].points()[0].y > 0


def test_hundreds_of_rounds_keep_their_labels_apart() -> None:
    chart = only(head(accuracy=[0.5] * 400))
    assert len(chart.x_ticks) <= 8
    assert not chart.lines[0].dots


def test_the_description_tells_what_the_picture_shows() -> None:
    chart = only(head(accuracy=[0.5, 0.9], val_accuracy=[0.4, 0.8]))
    assert "2 rounds" in chart.description
    assert "Photos kept aside: from 40% to 80%." in chart.description


def test_shares_are_listed_in_percent_in_the_table() -> None:
    assert only(head(accuracy=[0.5])).rows[0].values == [50.0, None]
