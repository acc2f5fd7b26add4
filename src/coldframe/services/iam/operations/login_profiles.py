"""Login profiles: the password of a user."""

from typing import TYPE_CHECKING, Any

from coldframe.core import ids
from coldframe.core.call import Call
from coldframe.core.faults import ServiceFault
from coldframe.identity.records import User
from coldframe.services.iam import passwords
from coldframe.services.iam.answers import moment
from coldframe.services.iam.names import user_name
from coldframe.services.iam.permissions import check_session
from coldframe.services.iam.records import PasswordPolicy

if TYPE_CHECKING:
    from types_boto3_iam import type_defs as shapes


def create_login_profile(call: Call, request: "shapes.CreateLoginProfileRequestTypeDef") -> dict[str, Any]:
    """Give a user a password."""
    user = _user(call, request)
    if user.password_hash:
        raise ServiceFault("EntityAlreadyExists", f"Login Profile for user {user.name} already exists.")
    if "Password" not in request:
        raise ServiceFault("ValidationError", "A password is needed to make a login profile.")
    changed = _set(
        call,
        user,
        request["Password"],
        password_reset_required=request.get("PasswordResetRequired", False),
        login_created=call.now // 1000,
    )
    return {"LoginProfile": _shape(changed)}


def get_login_profile(call: Call, request: "shapes.GetLoginProfileRequestTypeDef") -> dict[str, Any]:
    """Return when a user was given a password, never the password."""
    return {"LoginProfile": _shape(_with_password(_user(call, request)))}


def update_login_profile(call: Call, request: "shapes.UpdateLoginProfileRequestTypeDef") -> None:
    """Set a user's password, or whether the user must choose a new one."""
    user = _with_password(_user(call, request))
    reset = request.get("PasswordResetRequired", user.password_reset_required)
    if "Password" in request:
        _set(call, user, request["Password"], password_reset_required=reset)
    else:
        call.records.change(user, password_reset_required=reset)


def delete_login_profile(call: Call, request: "shapes.DeleteLoginProfileRequestTypeDef") -> None:
    """Take a user's password away."""
    user = _with_password(_user(call, request))
    call.records.change(
        user,
        password_hash="",
        password_changed=0,
        password_reset_required=False,
        password_history=[],
        login_created=0,
    )


def change_password(call: Call, request: "shapes.ChangePasswordRequestTypeDef") -> None:
    """Set the caller's own password; the account's rules or a policy of the caller must allow it."""
    check_session(call)
    if call.principal.kind != "user":
        raise ServiceFault("InvalidUserType", "Only IAM users can change their password.")
    rules = call.records.find(PasswordPolicy, call.account)
    if rules is None or not rules.change:
        call.require("iam:ChangePassword", call.principal.arn)
    user = _with_password(call.records.get(User, user_name(call, {})))
    if not passwords.matches(request["OldPassword"], user.password_hash):
        raise ServiceFault("AccessDenied", "The old password was incorrect.", status=403)
    if request["NewPassword"] == request["OldPassword"]:
        raise ServiceFault("PasswordPolicyViolation", "The new password must differ from the old one.")
    _set(call, user, request["NewPassword"], password_reset_required=False)


def _user(call: Call, request: Any) -> User:
    name = user_name(call, request)
    if not name:
        raise ServiceFault("ValidationError", "Must specify userName: the root user has no login profile.")
    return call.records.get(User, name)


def _with_password(user: User) -> User:
    if not user.password_hash:
        raise ServiceFault("NoSuchEntity", f"Login Profile for User {user.name} cannot be found.")
    return user


def _set(call: Call, user: User, password: str, **fields: Any) -> User:
    passwords.check(password, call.records.find(PasswordPolicy, call.account), user)
    return call.records.change(
        user,
        password_hash=passwords.hashed(password, ids.hexadecimal(32)),
        password_history=passwords.remembered(user),
        password_changed=call.now // 1000,
        **fields,
    )


def _shape(user: User) -> dict[str, Any]:
    return {
        "UserName": user.name,
        "CreateDate": moment(user.login_created or user.password_changed),
        "PasswordResetRequired": user.password_reset_required,
    }
