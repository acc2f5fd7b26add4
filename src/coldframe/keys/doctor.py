"""What this machine can do with keys in the kernel, what stands in the way, and the remedy for each."""

import os
from pathlib import Path
from typing import NamedTuple

from coldframe.engines.keyring import SESSION, USER, KeyringError, KeyService
from coldframe.engines.keyring.features import HASHES, Features, detect
from coldframe.keys.rings import Keyring, session_is_default

OK, WARNING, BROKEN = "ok", "warning", "broken"
# Below this share of a quota that is left, the next container or login can fail.
_SCARCE = 0.1


class Finding(NamedTuple):
    """One thing that was looked at: its state, what was found, and what to do where something is not as it should be."""

    state: str
    title: str
    found: str
    remedy: str = ""


def examine(service: KeyService) -> list[Finding]:
    """Look at everything; leaves nothing behind."""
    features = detect(service)
    if features.refusal:
        return [_refused(features)]
    findings = [Finding(OK, "key service", "add_key, request_key and keyctl answer")]
    findings += _private_keys(features)
    findings += [_session(service), _user_keyring(service), *_quota(service)]
    findings += [_af_alg(features), _rung(features), _memory()]
    mode = _keyring_mode(service)
    return [*findings, mode] if mode else findings


def rung(features: Features) -> str:
    """Return how well this kernel can keep a server's own secrets: `used`, `stored`, or `file` where it cannot."""
    if features.refusal:
        return "file"
    return "used" if features.af_alg_keys else "stored"


def _refused(features: Features) -> Finding:
    if features.seccomp:
        remedy = (
            "a seccomp profile is on: containers forbid these calls by default. Docker: --security-opt "
            "seccomp=PROFILE with add_key, keyctl and request_key allowed; Kubernetes: a Localhost seccompProfile; "
            "systemd: take @keyring out of SystemCallFilter"
        )
    else:
        remedy = "the kernel needs CONFIG_KEYS; every distribution's kernel has it"
    return Finding(BROKEN, "key service", features.refusal, remedy)


def _private_keys(features: Features) -> list[Finding]:
    if not features.private_keys:
        return [
            Finding(
                BROKEN,
                "private keys",
                f"Linux {os.uname().release} takes none: the parser of PKCS#8 is not loaded, or was not built",
                "modprobe pkcs8_key_parser, and for every boot: echo pkcs8_key_parser > "
                "/etc/modules-load.d/coldframe-keys.conf. A kernel without that module must be replaced by one that "
                "has CONFIG_PKCS8_PRIVATE_KEY_PARSER",
            )
        ]
    findings = [
        Finding(
            OK,
            "private keys",
            "RSA keys are held and used in the kernel; EC and Ed25519 keys can only be stored",
        )
    ]
    lacking = [name for name in HASHES if name not in features.hashes]
    if lacking:
        findings.append(
            Finding(
                WARNING,
                "hashes",
                f"the kernel lacks {', '.join(lacking)}; coldframe pads these signatures itself, other programs fail",
                "modprobe sha512_generic" if "sha512" in lacking else f"modprobe {lacking[0]}_generic",
            )
        )
    else:
        findings.append(Finding(OK, "hashes", ", ".join(HASHES)))
    if features.raw:
        findings.append(
            Finding(OK, "raw operation", "PSS signatures and OAEP decryption work (padding in user space)")
        )
    else:
        findings.append(
            Finding(
                WARNING,
                "raw operation",
                "it is not there: no PSS, so no TLS 1.3 and no PS256",
                "a newer kernel",
            )
        )
    return findings


def _session(service: KeyService) -> Finding:
    if session_is_default(service):
        return Finding(
            WARNING,
            "session keyring",
            "this process has none of its own: what a command adds to @s ends with the command",
            "start a shell with one: coldframe keys session. Logins get one from pam_keyinit "
            "(session optional pam_keyinit.so force revoke); su, sudo, cron and containers often do not",
        )
    name = service.describe(SESSION).description
    return Finding(
        OK,
        "session keyring",
        f"{name} ({service.keyring_id(SESSION)}): ends with the last process of this session",
    )


def _user_keyring(service: KeyService) -> Finding:
    user = service.keyring_id(USER)
    if _reaches(service, service.keyring_id(SESSION), user, 0):
        return Finding(OK, "user keyring", "@u can be reached from the session: its keys can be used")
    return Finding(
        WARNING,
        "user keyring",
        "@u is not linked into the session keyring: keys in it answer 'permission denied'",
        "keyctl link @u @s, or a new session: coldframe keys session",
    )


def _reaches(service: KeyService, ring: int, wanted: int, depth: int) -> bool:
    if ring == wanted:
        return True
    try:
        inner = (
            Keyring(ring, service).serials() if depth < 6 and service.describe(ring).type == "keyring" else []
        )
    except KeyringError:
        return False
    return any(_reaches(service, serial, wanted, depth + 1) for serial in inner)


def _quota(service: KeyService) -> list[Finding]:
    quota = service.quota()
    findings = []
    for what, used, most, setting in (
        ("keys", quota.keys, quota.most_keys, "maxkeys"),
        ("bytes", quota.size, quota.most_bytes, "maxbytes"),
    ):
        found = f"{used} of {most} {what} are used"
        if most and used > most * (1 - _SCARCE):
            owner = "root_" if os.getuid() == 0 else ""
            remedy = f"remove keys that are not needed, or sysctl kernel.keys.{owner}{setting}={most * 10}"
            findings.append(Finding(WARNING, f"quota of {what}", found, remedy))
        else:
            findings.append(Finding(OK, f"quota of {what}", found))
    return findings


def _af_alg(features: Features) -> Finding:
    if features.af_alg_keys:
        return Finding(
            OK, "AF_ALG", "secrets that are never read back can be used for HMAC and AES in the kernel"
        )
    if features.af_alg:
        return Finding(WARNING, "AF_ALG", "it takes no keys from keyrings", "Linux 6.2 or newer does")
    return Finding(
        WARNING,
        "AF_ALG",
        "there is none",
        "modprobe af_alg algif_hash algif_aead; some kernels and containers leave it out",
    )


def _rung(features: Features) -> Finding:
    found = {
        "used": "held and used in the kernel (logon keys over AF_ALG)",
        "stored": "held in the kernel, read for each use (user keys)",
        "file": "kept in files that only their owner may read",
    }[rung(features)]
    return Finding(OK, "a server's secrets", found)


def _memory() -> Finding:
    from coldframe.keys.lockdown import swaps

    if swaps():
        return Finding(
            WARNING,
            "swap",
            "this machine swaps: a key that is being loaded could reach the disk where memory cannot be locked",
            "encrypt the swap, or raise the limit: ulimit -l unlimited",
        )
    return Finding(OK, "swap", "this machine does not swap")


def _keyring_mode(service: KeyService) -> Finding | None:
    """Look at systemd's KeyringMode, if this is a service of systemd's."""
    if "INVOCATION_ID" not in os.environ or "/system.slice/" not in _control_group():
        return None
    if _reaches(service, service.keyring_id(SESSION), service.keyring_id(USER), 0):
        return Finding(OK, "systemd", "KeyringMode=shared: the service sees the user's keys")
    return Finding(
        WARNING,
        "systemd",
        "KeyringMode=private, the default of system services: the user's keys are not seen",
        "KeyringMode=shared in the unit's [Service] section",
    )


def _control_group() -> str:
    try:
        return Path("/proc/self/cgroup").read_text(encoding="utf-8")
    except OSError:
        return ""
