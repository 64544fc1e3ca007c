"""What task template generated/parcel 1.0.0 and its steps hand on, as models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer


class Said(BaseModel):
    """A model whose JSON has the keys of its schema, and leaves out what wasn't said."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    @model_serializer(mode="wrap")
    def _as_said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        whole: dict[str, Any] = dump(self)
        fields = type(self).model_fields
        silent = {field.alias or name for name, field in fields.items() if name not in self.model_fields_set}
        return {key: value for key, value in whole.items() if key not in silent}


class Address(Said):
    street: str = Field(min_length=1, max_length=80)
    country: str = Field(pattern="^[A-Z]{2}$")
    next: Address | None = None


class ParcelInput(Said):
    """What a customer orders."""

    order: int = Field(ge=1)
    to: Address
    weight_kg: float = Field(le=1000, gt=0)
    service: Literal["economy", 'it\'s "fast"', "express"] | None = None
    insured: bool = False
    note: str | None = None
    tags: list[str] | None = Field(None, max_length=5)


class PriceResultLinesItem(Said):
    sku: str
    rebate: float | None = None


class PriceResult(Said):
    model_config = ConfigDict(extra="forbid")

    cents: int = Field(ge=5, multiple_of=5)
    currency: Literal["EUR"]
    lines: list[PriceResultLinesItem] = Field(min_length=1)
    class_: str = Field(alias="class")
    unit_price: float = Field(alias="unit-price")
    at: str
    copy_: bool | None = Field(None, alias="copy")
    extra: dict[str, int] | None = None


class ByRoadResult(BaseModel):
    days: int


class ByAirResult(BaseModel):
    days: int


class TellResult(BaseModel):
    sent: Any
    to: Any
