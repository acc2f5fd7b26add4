"""The ssh-agent whose private keys live in the kernel: what ssh, scp, git and ssh-add talk to.

RSA keys are held and used in the kernel. Ed25519 and ECDSA keys are held there and used in a process that ends after
one signature, since Linux has no private operations of theirs; their comments say so. Protocol: draft-miller-ssh-agent
and OpenSSH's PROTOCOL.agent.
"""
