import { InvalidRequestError } from "./errors/index.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID of version 7 (RFC 9562): its first half is the time, so that neighbours in time are neighbours in an index. */
export function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = Date.now().toString(16).padStart(12, "0");
  const variant = (8 | (Number.parseInt(hex.charAt(16), 16) & 3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** `text` in lower case. Throws InvalidRequestError, naming the argument, for what is no UUID. */
export function asUuid(text: string, name: string): string {
  if (typeof text !== "string" || !UUID.test(text)) {
    throw new InvalidRequestError(`${name} must be a UUID, not '${text}'`, { field: name, code: "INVALID_UUID" });
  }
  return text.toLowerCase();
}
