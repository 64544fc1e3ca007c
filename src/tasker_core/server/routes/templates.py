"""Templates: what tasks can be made of, and the handlers that run them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from tasker_core.engine import Engine
from tasker_core.rules.template_text import read_mapping
from tasker_core.server.answers import answers, body
from tasker_core.server.body import Json, read_body, read_object, to_bytes
from tasker_core.server.callers import requires
from tasker_core.server.core import core_of
from tasker_core.server.errors import ApiError
from tasker_core.server.shapes.base import IN_PATH, NO_NUL
from tasker_core.server.shapes.templates import (
    HandlerResponse,
    RegisteredTemplate,
    TemplateDetail,
    TemplateListResponse,
    TemplateReadiness,
)

router = APIRouter(prefix="/v1", tags=["templates"])

Part = Annotated[str, Path(max_length=255, pattern=IN_PATH)]
NEW, SAME = 201, 200
EXAMPLE = {
    "name": "checkout", "namespace_name": "shop", "version": "1.0.0",
    "steps": [{"name": "pay", "handler": {"callable": "shop_pay"}}],
}  # fmt: skip


@router.get(
    "/templates",
    response_model=TemplateListResponse,
    responses=answers(400),
    dependencies=[requires("templates:read")],
)
async def list_templates(
    request: Request, namespace: Annotated[str | None, Query(max_length=255, pattern=NO_NUL)] = None
) -> Json:
    """The templates that new tasks can be made of."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.listings.templates(namespace))))


@router.post(
    "/templates",
    status_code=NEW,
    response_model=RegisteredTemplate,
    responses=answers(
        400, 409, 415, 422, besides={SAME: {"model": RegisteredTemplate, "description": "It is registered already."}}
    ),
    dependencies=[requires("templates:register")],
    openapi_extra=body("Template", EXAMPLE),
)
async def register_template(request: Request) -> Json:
    """Register a template, so that tasks can be made of it.

    Other content under a version that is registered replaces it for new tasks where the server runs in the environment
    ``development``; elsewhere it is a 409 that tells the differences.
    """
    core, text = core_of(request), await read_body(request)
    replace = core.settings.env == "development"
    status, answer = await core.call(_register, core.engine, text, replace)
    return Json(answer, status)


def _register(engine: Engine, text: bytes, replace: bool) -> tuple[int, dict[str, Any]]:
    read = read_mapping(read_object(text), "the body")
    done = engine.catalog.register(read.template, replace=replace)
    if done.refused:
        raise ApiError(
            409,
            "CONFLICT",
            f"{read.template.identity} is registered with other content and isn't replaced outside development; raise "
            "its version",
            details={"differences": list(done.refused)},
        )
    namespace, name, version = read.template.identity
    findings = [{"level": f.level, "code": f.code, "message": f.message, "path": f.path} for f in read.findings]
    answer = {
        "namespace": namespace, "name": name, "version": version, "replaced": done.replaced, "findings": findings,
    }  # fmt: skip
    return NEW if done.new else SAME, answer


@router.get(
    "/templates/{namespace}/{name}/{version}",
    response_model=TemplateDetail,
    responses=answers(400, 404),
    dependencies=[requires("templates:read")],
)
async def get_template(request: Request, namespace: Part, name: Part, version: Part) -> Json:
    """One template with all that it says."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.listings.template(namespace, name, version))))


@router.post(
    "/templates/{namespace}/{name}/{version}/validate",
    response_model=TemplateReadiness,
    responses=answers(400, 404),
    dependencies=[requires("templates:validate")],
)
async def validate_template(request: Request, namespace: Part, name: Part, version: Part) -> Json:
    """Whether the live workers can run a template: for each step, how many of them serve its handler."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.listings.readiness(namespace, name, version))))


@router.get(
    "/handlers",
    response_model=list[HandlerResponse],
    responses=answers(),
    dependencies=[requires("system:handlers_read")],
)
async def list_handlers(request: Request) -> Json:
    """The handlers that live workers serve."""
    core = core_of(request)
    return Json(await core.call(lambda: to_bytes(core.engine.listings.handlers())))
