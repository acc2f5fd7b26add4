"""What every key service does, the kernel's and the fake one: results and errnos, operation by operation.

`tests/engines/keyring/test_fake.py` runs it on the fake, `tests/kernel/test_contract.py` on real kernels.
"""

import datetime as dt
import errno
import hashlib
import struct
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from coldframe.engines.keyring import PROCESS, SESSION, THREAD, USER, KeyringError, Permission, permissions
from coldframe.engines.keyring.service import KeyService

SECRET = rsa.generate_private_key(65537, 2048)
OWNER = permissions(possessor=Permission.ALL, user=Permission.VIEW)


def pkcs8(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate(key) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Alice Example")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 77, now, now + dt.timedelta(days=9000))
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class KeyServiceContract:
    """Subclasses give the fixtures `service` (in a new session) and `tick`, which lets a moment pass."""

    def refused(self, number: int, call: Callable, *words) -> None:
        with pytest.raises(KeyringError) as caught:
            call(*words)
        assert errno.errorcode[caught.value.errno] == errno.errorcode[number], caught.value

    def until(self, tick: Callable, number: int, call: Callable, *words) -> None:
        for _ in range(400):
            try:
                call(*words)
            except KeyringError as error:
                assert error.errno == number, error
                return
            tick()
        raise AssertionError(f"it never answered {errno.errorcode[number]}")

    def gone(self, call: Callable, *words) -> None:
        """A key that nothing links answers that it is not possessed until the collector has come, then that it is not."""
        with pytest.raises(KeyringError) as caught:
            call(*words)
        assert caught.value.errno in {errno.ENOKEY, errno.EACCES}, caught.value

    def test_a_user_key_comes_back_as_it_went_in(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"\0secret\xff", SESSION)
        assert service.read(key) == b"\0secret\xff"
        found = service.describe(key)
        assert (found.type, found.description) == ("user", "one")
        assert found.permissions == 0x3F010000

    def test_adding_again_updates_the_same_key(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"first", SESSION)
        assert service.add_key("user", "one", b"second", SESSION) == key
        assert service.read(key) == b"second"

    def test_update_replaces_and_takes_the_timeout_away(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"first", SESSION)
        service.update(key, b"second")
        assert service.read(key) == b"second"
        self.refused(errno.EINVAL, service.update, key, b"")
        ring = service.add_key("keyring", "ring", b"", SESSION)
        self.refused(errno.EOPNOTSUPP, service.update, ring, b"x")

    def test_limits_of_payload_and_names(self, service: KeyService) -> None:
        assert service.add_key("user", "long", b"x" * 18_000, SESSION) > 0
        service.clear(SESSION)
        self.refused(errno.EINVAL, service.add_key, "user", "empty", b"", SESSION)
        self.refused(errno.EINVAL, service.add_key, "user", "toolong", b"x" * 32768, SESSION)
        self.refused(errno.EINVAL, service.add_key, "user", "", b"x", SESSION)
        self.refused(errno.EINVAL, service.add_key, "keyring", "ring", b"payload", SESSION)
        self.refused(errno.EPERM, service.add_key, "keyring", ".hidden", b"", SESSION)
        self.refused(errno.EPERM, service.add_key, ".hidden", "x", b"x", SESSION)
        self.refused(errno.ENODEV, service.add_key, "nosuchtype", "x", b"x", SESSION)
        self.refused(errno.EINVAL, service.add_key, "", "x", b"x", SESSION)

    def test_logon_keys_need_a_prefix_and_never_come_back(self, service: KeyService) -> None:
        self.refused(errno.EINVAL, service.add_key, "logon", "noprefix", b"x", SESSION)
        self.refused(errno.EINVAL, service.add_key, "logon", ":x", b"x", SESSION)
        key = service.add_key("logon", "coldframe:x", b"secret", SESSION)
        self.refused(errno.EOPNOTSUPP, service.read, key)
        assert service.describe(key).permissions == 0x3D010000

    def test_numbers_that_are_no_keys(self, service: KeyService) -> None:
        self.refused(errno.EINVAL, service.describe, 0)
        self.refused(errno.EINVAL, service.describe, -99)
        self.refused(errno.ENOKEY, service.describe, 2147480000)
        self.refused(errno.ENOKEY, service.read, 2147480000)
        self.refused(errno.ENOKEY, service.read, 0)
        key = service.add_key("user", "one", b"x", SESSION)
        self.refused(errno.ENOTDIR, service.add_key, "user", "two", b"x", key)
        self.refused(errno.ENOTDIR, service.search, key, "user", "two")
        self.refused(errno.ENOTDIR, service.clear, key)
        self.refused(errno.ENOTDIR, service.link, key, key)
        self.refused(errno.ENOTDIR, service.unlink, key, key)

    def test_a_keyring_lists_what_it_links(self, service: KeyService) -> None:
        ring = service.add_key("keyring", "ring", b"", SESSION)
        one = service.add_key("user", "one", b"1", ring)
        two = service.add_key("user", "two", b"2", ring)
        assert {serial for (serial,) in struct.iter_unpack("=i", service.read(ring))} == {one, two}
        service.clear(ring)
        assert service.read(ring) == b""
        self.gone(service.read, one)

    def test_search_goes_down_and_says_what_it_found(self, service: KeyService) -> None:
        ring = service.add_key("keyring", "ring", b"", SESSION)
        key = service.add_key("user", "deep", b"1", ring)
        assert service.search(SESSION, "user", "deep") == key
        assert service.request_key("user", "deep") == key
        self.refused(errno.ENOKEY, service.search, SESSION, "user", "absent")
        self.refused(errno.ENOKEY, service.request_key, "user", "absent")
        self.refused(errno.ENOKEY, service.search, SESSION, "logon", "deep")
        service.unlink(key, ring)
        self.refused(errno.ENOKEY, service.request_key, "user", "deep")

    def test_search_can_link_what_it_finds(self, service: KeyService) -> None:
        ring, other = (service.add_key("keyring", name, b"", SESSION) for name in ("ring", "other"))
        key = service.add_key("user", "deep", b"1", ring)
        service.search(ring, "user", "deep", other)
        service.unlink(key, ring)
        assert service.search(other, "user", "deep") == key

    def test_a_key_lives_while_something_links_it(self, service: KeyService) -> None:
        ring = service.add_key("keyring", "ring", b"", SESSION)
        key = service.add_key("user", "one", b"1", SESSION)
        service.link(key, ring)
        service.unlink(key, SESSION)
        assert service.read(key) == b"1"
        self.refused(errno.ENOENT, service.unlink, key, SESSION)
        service.unlink(key, ring)
        self.gone(service.read, key)

    def test_links_make_no_cycles(self, service: KeyService) -> None:
        outer = service.add_key("keyring", "outer", b"", SESSION)
        inner = service.add_key("keyring", "inner", b"", outer)
        self.refused(errno.EDEADLK, service.link, outer, inner)
        self.refused(errno.EDEADLK, service.link, inner, inner)

    def test_move(self, service: KeyService) -> None:
        left, right = (service.add_key("keyring", name, b"", SESSION) for name in ("left", "right"))
        key = service.add_key("user", "one", b"1", left)
        service.move(key, left, right)
        self.refused(errno.ENOKEY, service.search, left, "user", "one")
        assert service.search(right, "user", "one") == key
        self.refused(errno.ENOENT, service.move, key, left, right)
        other = service.add_key("user", "one", b"2", left)
        with pytest.raises(KeyringError) as caught:
            service.move(other, left, right, exclusive=True)
        assert caught.value.errno == errno.EEXIST
        service.move(other, left, right)
        assert service.search(right, "user", "one") == other
        self.gone(service.read, key)

    def test_a_restricted_keyring_takes_nothing_more(self, service: KeyService) -> None:
        ring = service.add_key("keyring", "ring", b"", SESSION)
        key = service.add_key("user", "one", b"1", SESSION)
        service.restrict(ring)
        self.refused(errno.EPERM, service.add_key, "user", "two", b"2", ring)
        self.refused(errno.EPERM, service.link, key, ring)
        self.refused(errno.EEXIST, service.restrict, ring)
        self.refused(errno.ENOTDIR, service.restrict, key)

    def test_revoked(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.revoke(key)
        self.refused(errno.EKEYREVOKED, service.read, key)
        self.refused(errno.EKEYREVOKED, service.revoke, key)
        self.refused(errno.EKEYREVOKED, service.search, SESSION, "user", "one")
        # An empty keyring that is searched before has the last word: nothing was found there.
        service.keyring_id(PROCESS, create=True)
        self.refused(errno.ENOKEY, service.request_key, "user", "one")
        self.refused(errno.EKEYREVOKED, service.describe, key)

    def test_invalidated_keys_are_gone(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.invalidate(key)
        with pytest.raises(KeyringError) as caught:
            service.search(SESSION, "user", "one")
        assert caught.value.errno in {
            errno.ENOKEY,
            errno.EKEYREVOKED,
        }  # the latter until the collector has come
        self.gone(service.read, key)

    def test_expired(self, service: KeyService, tick: Callable) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.set_timeout(key, 1)
        assert service.read(key) == b"1"
        self.until(tick, errno.EKEYEXPIRED, service.read, key)
        self.refused(errno.EKEYEXPIRED, service.search, SESSION, "user", "one")
        service.keyring_id(PROCESS, create=True)
        self.refused(errno.ENOKEY, service.request_key, "user", "one")
        self.refused(errno.EKEYEXPIRED, service.link, key, SESSION)
        self.refused(errno.EKEYEXPIRED, service.describe, key)
        service.unlink(key, SESSION)

    def test_a_timeout_can_be_taken_away(self, service: KeyService, tick: Callable) -> None:
        short = service.add_key("user", "short", b"1", SESSION)
        key = service.add_key("user", "one", b"1", SESSION)
        for serial in (short, key):
            service.set_timeout(serial, 1)
        service.set_timeout(key, 0)
        self.until(tick, errno.EKEYEXPIRED, service.read, short)
        assert service.read(key) == b"1"

    def test_permissions_hold_for_the_possessor_too(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.set_permissions(
            key, permissions(possessor=Permission.SEARCH | Permission.SETATTR | Permission.VIEW)
        )
        self.refused(errno.EACCES, service.update, key, b"2")
        self.refused(errno.EACCES, service.link, key, SESSION)
        service.set_permissions(key, OWNER)
        assert service.search(SESSION, "user", "one") == key
        self.refused(errno.EINVAL, service.set_permissions, key, 0x40000000)

    def test_a_key_that_may_not_be_found_is_not_possessed(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.set_permissions(key, permissions(possessor=Permission.ALL & ~Permission.SEARCH))
        self.refused(errno.EACCES, service.search, SESSION, "user", "one")
        self.refused(errno.EACCES, service.read, key)
        self.refused(errno.EACCES, service.set_permissions, key, OWNER)

    def test_without_view_a_key_is_not_described(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.set_permissions(key, permissions(possessor=Permission.READ | Permission.SEARCH))
        self.refused(errno.EACCES, service.describe, key)
        self.refused(errno.EACCES, service.set_permissions, key, OWNER)
        self.refused(errno.EACCES, service.set_timeout, key, 10)
        assert service.read(key) == b"1"
        assert key not in {entry.serial for entry in service.entries()}

    def test_special_keyrings(self, service: KeyService) -> None:
        self.refused(errno.ENOKEY, service.keyring_id, THREAD)
        process = service.keyring_id(PROCESS, create=True)
        assert service.keyring_id(PROCESS) == process
        assert service.describe(process).description == "_pid"
        assert service.describe(USER).description.startswith("_uid.")
        assert service.describe(SESSION).description == "_ses"

    def test_sessions(self, service: KeyService) -> None:
        first = service.keyring_id(SESSION)
        key = service.add_key("user", "one", b"1", SESSION)
        assert service.join_session() != first
        self.refused(errno.ENOKEY, service.request_key, "user", "one")
        self.gone(service.read, key)
        self.refused(errno.EPERM, service.join_session, ".hidden")
        named = service.join_session("contract")
        assert service.describe(named).description == "contract"

    def test_a_key_of_the_user_is_usable_only_where_it_is_possessed(self, service: KeyService) -> None:
        key = service.add_key("user", "mine", b"1", USER)
        try:
            service.join_session()
            assert service.describe(key).description == "mine"
            self.refused(errno.EACCES, service.read, key)
            self.refused(errno.EACCES, service.set_timeout, key, 10)
            service.link(USER, SESSION)
            assert service.read(key) == b"1"
        finally:
            service.unlink(key, USER)

    def test_entries_show_what_may_be_viewed(self, service: KeyService) -> None:
        key = service.add_key("user", "one", b"1", SESSION)
        service.set_timeout(key, 3600)
        entry = next(entry for entry in service.entries() if entry.serial == key)
        assert entry.type == "user"
        assert entry.expires != "perm"
        # /proc/keys cuts the names of types to nine letters.
        key = service.add_key("asymmetric", "two", pkcs8(SECRET), SESSION)
        assert [entry.type for entry in service.entries() if entry.serial == key] == ["asymmetric"]

    def test_quota_counts(self, service: KeyService) -> None:
        # Keys of before are still being collected, which makes room while this looks.
        differences = set()
        for number in range(20):
            before = service.quota()
            service.add_key("user", f"key {number:02}", b"x" * 100, SESSION)
            after = service.quota()
            differences.add((after.keys - before.keys, after.size - before.size))
        # The payload, the name with its end, and what the link takes.
        assert (1, 100 + len("key 00") + 1 + 4) in differences
        assert after.most_keys >= 200

    def test_capabilities_and_labels(self, service: KeyService) -> None:
        assert service.capabilities()[0] & 0x08  # public key operations
        assert service.security(service.add_key("user", "one", b"1", SESSION)) == ""

    def test_private_keys_that_the_kernel_does_not_take(self, service: KeyService) -> None:
        self.refused(errno.EBADMSG, service.add_key, "asymmetric", "k", b"rubbish", SESSION)
        pem = SECRET.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.refused(errno.EBADMSG, service.add_key, "asymmetric", "k", pem, SESSION)
        self.refused(
            errno.ENOPKG,
            service.add_key,
            "asymmetric",
            "k",
            pkcs8(ed25519.Ed25519PrivateKey.generate()),
            SESSION,
        )
        curve = ec.generate_private_key(ec.SECP256R1())
        self.refused(errno.ENOPKG, service.add_key, "asymmetric", "k", pkcs8(curve), SESSION)
        self.refused(errno.EINVAL, service.add_key, "asymmetric", "", pkcs8(SECRET), SESSION)

    def test_a_private_key_says_what_it_can(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        assert service.describe(key).permissions == 0x39010000
        found = service.pkey_query(key, "enc=pkcs1 hash=sha256")
        assert found.operations == {"encrypt", "decrypt", "sign", "verify"}
        assert found.bits == 2048
        assert found.largest_signature == 256
        self.refused(errno.EOPNOTSUPP, service.read, key)
        self.refused(errno.EACCES, service.update, key, pkcs8(SECRET))

    def test_adding_a_private_key_again_makes_a_new_one(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        again = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        assert again != key
        assert service.search(SESSION, "asymmetric", "k") == again
        self.gone(service.pkey_query, key)

    @pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
    def test_signatures(self, service: KeyService, name: str) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        digest = hashlib.new(name, b"message").digest()
        info = f"enc=pkcs1 hash={name}"
        signature = service.pkey_sign(key, info, digest)
        prehashed = utils.Prehashed(getattr(hashes, name.upper())())
        SECRET.public_key().verify(signature, digest, padding.PKCS1v15(), prehashed)
        assert service.pkey_verify(key, info, digest, signature)
        wrong = bytes([digest[0] ^ 1]) + digest[1:]
        assert not service.pkey_verify(key, info, wrong, signature)
        assert not service.pkey_verify(key, info, digest, signature[:-1] + bytes([signature[-1] ^ 1]))
        with pytest.raises(InvalidSignature):
            SECRET.public_key().verify(signature, wrong, padding.PKCS1v15(), prehashed)

    def test_words_that_mean_nothing(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        digest = hashlib.sha256(b"message").digest()
        with pytest.raises(KeyringError) as caught:
            service.pkey_sign(key, "enc=pkcs1 hash=nosuchhash", digest)
        assert caught.value.errno in {errno.ENOENT, errno.EINVAL}  # the one on 6.1, the other on 6.12
        self.refused(errno.EINVAL, service.pkey_sign, key, "enc=pss hash=sha256", digest)
        self.refused(errno.EINVAL, service.pkey_sign, key, "nonsense", digest)
        user = service.add_key("user", "one", b"1", SESSION)
        self.refused(errno.EOPNOTSUPP, service.pkey_query, user)

    def test_a_digest_info_of_the_callers_own(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        digest = hashlib.sha3_256(b"message").digest()
        info = bytes.fromhex("3031300d060960864801650304020805000420") + digest
        signature = service.pkey_sign(key, "enc=pkcs1", info)
        SECRET.public_key().verify(signature, b"message", padding.PKCS1v15(), hashes.SHA3_256())

    def test_encryption(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        cipher = service.pkey_encrypt(key, "enc=pkcs1", b"message")
        assert SECRET.decrypt(cipher, padding.PKCS1v15()) == b"message"
        assert service.pkey_decrypt(key, "enc=pkcs1", cipher) == b"message"

    def test_the_bare_operation(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "k", pkcs8(SECRET), SESSION)
        numbers = SECRET.private_numbers()
        block = (12345678901234567890).to_bytes(256, "big")
        expected = pow(12345678901234567890, numbers.d, numbers.public_numbers.n)
        assert int.from_bytes(service.pkey_decrypt(key, "enc=raw", block), "big") == expected
        raised = pow(12345678901234567890, 65537, numbers.public_numbers.n)
        assert int.from_bytes(service.pkey_encrypt(key, "enc=raw", block), "big") == raised

    def test_a_certificate_is_public(self, service: KeyService) -> None:
        key = service.add_key("asymmetric", "", certificate(SECRET), SESSION)
        assert service.describe(key).description.startswith("Alice Example: ")
        found = service.pkey_query(key, "enc=pkcs1 hash=sha256")
        assert found.operations == {"encrypt", "verify"}
        digest = hashlib.sha256(b"message").digest()
        signature = SECRET.sign(b"message", padding.PKCS1v15(), hashes.SHA256())
        assert service.pkey_verify(key, "enc=pkcs1 hash=sha256", digest, signature)
        with pytest.raises(KeyringError):
            service.pkey_sign(key, "enc=pkcs1 hash=sha256", digest)
