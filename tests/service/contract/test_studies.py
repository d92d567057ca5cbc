"""Studies: what is stored of them, and what is refused."""

from tests.service.contract.services import Service


def test_a_study_is_read_as_it_was_created(service: Service) -> None:
    """What is read of a study is what creating it answered, with the numbers of its trials."""
    study = service.create()
    trial = study.leased()
    study.complete(trial, 1.0)
    assert study.get().trial_counts.completed == 1
