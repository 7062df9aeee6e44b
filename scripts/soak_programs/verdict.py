"""The figures of a case, and what is wrong with them."""
import re
from collections import Counter

# How a watch says that it ended before deleted logs were read to their end.
CUT = re.compile(r"a gap, maybe")
# How a run says that lines were lost.
LOSS = re.compile(r"never read and|are gone:|\bgaps?\b", re.IGNORECASE)

# Seconds.
STARVED = 0.5
LONGEST_END = 10


def told(status, said):
    """What logmill says of losses: the numbers of `status --json`, and the lines on stderr."""
    status = status or {}
    words = [line for line in said if LOSS.search(line) and not CUT.search(line)]
    return {"lost_bytes": status.get("lost_bytes", 0), "gaps": status.get("gaps", 0), "words": len(words)}


def of(case):
    reader, policy = case.reader, case.policy
    truth, counted = Counter(case.truth), Counter(reader.counted())
    said = reader.said()
    _, status = reader.ask("status")
    audit, ledger = reader.ask("audit")
    verified, comparison = reader.ask("verify")
    lost = {number for number in truth if not counted[number]}
    figures = {
        "logged": sum(truth.values()),
        "counted": sum(counted.values()),
        "doubled": sum((counted - truth).values()) if counted else 0,
        "invented": len(counted.keys() - truth.keys()),
        "lost": len(lost),
        # Those that lay in a file for a while.
        "lost_kept": len(lost & case.witness.ids),
        "late": len([n for n in truth if not case.counted_before.get(n)]) - len(lost),
        "told": told(status, said),
        "cut": sum(1 for line in said if CUT.search(line)),
        "audit": audit,
        "verify": verified,
        "rotations": len(case.witness.heads) if policy.rotates_itself else case.rotations,
        "kills": reader.kills,
        "statuses": {str(key): value for key, value in sorted(reader.statuses.items())},
        "last": [case.last_status, *case.last_words],
        "rejected": (status or {}).get("rejected", 0),
        "waits": (status or {}).get("lag_bytes", 0),
        "not_sent": getattr(case.load.sender, "failed", 0),
        "slowest_end": round(case.reader.slowest_end, 2),
        "starved": round(case.load.starved, 2),
        "notices": kinds(said, case.folder),
        "complaints": sorted(case.complaints),
    }
    figures["wrong"] = wrong(case, figures) + reader.faults
    if case.reads_events and reader.events() != counted:
        figures["wrong"].append("the events differ from the table")
    if audit != 0 and ledger:
        figures["audit_says"] = ledger["wrong"][:3]
    if verified != 0 and comparison:
        figures["verify_says"] = (comparison["problems"] + comparison["notices"])[:3]
    return figures


def wrong(case, figures):
    policy, mode, words = case.policy, case.mode, []
    is_told = any(figures["told"].values())
    if figures["logged"] == 0 or figures["rotations"] == 0:
        words.append("nothing was logged, or nothing rotated")
    if figures["doubled"]:
        words.append(f"{figures['doubled']} doubled")
    if figures["invented"]:
        words.append(f"{figures['invented']} ids that nobody logged")
    if figures["lost_kept"] and not is_told:
        words.append(f"{figures['lost_kept']} lost, untold")
    # A watch that was not killed holds what it knows, so a log that was compressed too early is read all the same; unless
    # nobody was given the processor while the log was there.
    is_starved = case.load.starved > STARVED
    stays = mode.watch and not mode.killed and not mode.termed
    # What was shredded nobody can read.
    is_kept = not policy.copies and not policy.torn and "shred" not in policy.directives
    held = stays and is_kept and not is_starved
    gap = figures["lost"] - figures["lost_kept"]
    if held and gap and not is_told and not figures["cut"]:
        words.append(f"{gap} of a held log lost, untold")
    if figures["slowest_end"] > LONGEST_END and not is_starved:
        words.append(f"watch took {figures['slowest_end']} s to end")
    has_read_all = policy.keeps or (policy.removes_old and stays and not is_starved)
    if is_told and not figures["lost"] and has_read_all:
        words.append("told a loss, and nothing is lost")
    if figures["audit"] != 0:
        words.append(f"audit {figures['audit']}")
    if figures["verify"] != 0 and is_all_there(case, figures):
        words.append(f"verify {figures['verify']}")
    if figures["last"][0] != 0:
        words.append(f"a run with nothing to do ends with status {figures['last'][0]}")
    if len(figures["last"]) > 1:
        # cron sends a mail for each.
        words.append(f"a run with nothing to do says: {kind(figures['last'][1], case.folder)}")
    return words


def is_all_there(case, figures):
    """Whether what was counted lies in the files that are there, no more and no less."""
    nothing_else = not figures["lost"] and not figures["doubled"] and set(case.truth) <= case.witness.ids
    return case.policy.keeps and nothing_else


def kinds(said, folder):
    """How often logmill said what, apart from names and numbers."""
    counts = Counter(kind(line, folder) for line in said if line.startswith("logmill"))
    return dict(counts.most_common())


def kind(line, folder):
    line = line.replace(folder, "")
    line = re.sub(r"\S*/\S+", "FILE", line)
    return re.sub(r"[0-9][0-9,.]*", "N", line)[:200]
