"""Reads the status and google.rpc details of a failed call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True)
class Failure:
    code: grpc.StatusCode
    message: str
    details: tuple[AnyMessage, ...]

    def field_violation(self) -> tuple[str, str]:
        """Field and description of an INVALID_ARGUMENT with one violation."""
        assert self.code is grpc.StatusCode.INVALID_ARGUMENT, self
        violation = self._violation()
        return violation.field, violation.description

    def code_and_field(self) -> tuple[grpc.StatusCode, str]:
        """Of a failure with any code that is about one field."""
        return self.code, self._violation().field

    def retry_seconds(self) -> float:
        """The delay of a RESOURCE_EXHAUSTED."""
        assert self.code is grpc.StatusCode.RESOURCE_EXHAUSTED, self
        retry = error_details_pb2.RetryInfo()
        assert self.details[0].Unpack(retry)
        return float(retry.retry_delay.ToNanoseconds() / 1e9)

    def _violation(self) -> error_details_pb2.BadRequest.FieldViolation:
        request = error_details_pb2.BadRequest()
        assert self.details[0].Unpack(request)
        (violation,) = request.field_violations
        return violation


def failure(call: Callable[[], Any]) -> Failure:
    """How a call fails; it must."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    # The error of a call is the call too; the type hints do not say so.
    call_error = cast(grpc.Call, caught.value)
    status = rpc_status.from_call(call_error)
    return Failure(
        code=call_error.code(),
        message=call_error.details() or "",
        details=tuple(status.details) if status is not None else (),
    )
