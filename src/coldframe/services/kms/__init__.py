"""AWS Key Management Service: keys whose material never leaves this installation in clear and is destroyed when due.

Real here: symmetric, RSA, elliptic curve, Ed25519, HMAC, ML-DSA and ML-KEM keys, aliases, key policies evaluated with
IAM, grants, encryption contexts, key states, imported material, rotation, multi-Region keys across the regions of this
installation, AWS managed keys made at their first use. Material at rest is sealed under the master key, bound to its key
and its own id. There is no hardware security module: whoever runs the server with its master key could read keys.
"""
