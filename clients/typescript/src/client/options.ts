import { type ConnectionOptions, type ConnectionSettings, connectionSettings } from "../http/settings.js";
import { FfiLayer } from "./ffi-layer.js";
import type { Origin } from "./wishes.js";

/** The server, who asks it, and what tasks say of where they come from. */
export interface ClientOptions extends ConnectionOptions, Partial<Origin> {}

const ORIGIN: Origin = { initiator: "tasker-core-typescript", sourceSystem: "tasker-core" };

/** What a client is made with, whichever way it was given. */
export function clientSettings(given: FfiLayer | ClientOptions): { settings: ConnectionSettings; origin: Origin } {
  if (given instanceof FfiLayer) return { settings: given.settings, origin: ORIGIN };
  const { initiator = ORIGIN.initiator, sourceSystem = ORIGIN.sourceSystem, ...connection } = given;
  return { settings: connectionSettings(connection), origin: { initiator, sourceSystem } };
}
