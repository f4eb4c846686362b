"""Find where a message came from: its commits, release tags and releases.

    from ksrcfind.history.releases import Releases
    from ksrcfind.history.trace import History, Request

    releases = Releases(snapshot.repository, settings.release_tags, cache)   # only if snapshot.repository is not None
    history = History(snapshot, releases, cache)                             # History(snapshot) on a plain tree
    provenances = history.trace([Request(message), Request(other, at=("mm/oom_kill.c", 868))])
    commits = history.commits([provenances[0].last_changed.commit])          # whole messages, trailers, releases

`cache` is any object with `get(name) -> bytes | None` and `put(name, data)`. With a cache, the first release tags of
commits cost milliseconds from the second run on.
"""
