"""The names of keys, as a kernel has derived them."""

from coldframe.engines import encrypted_folders


def test_the_name_of_a_key_is_the_one_that_the_kernel_derives():
    assert encrypted_folders.name_of(bytes(64)) == "69d7f347a3ca7bfa3e0c1d84e476d050"
    assert encrypted_folders.name_of(bytearray(range(64))) == "8699c2c53707405da5aba5ae4d8583c0"
