import { join } from "node:path";

/** Where things are; the server and who asks it are `TASKER_URL` and its like. */
export interface Settings {
  readonly port: number;
  readonly gatewayUrl: string;
  readonly journal: string;
  readonly mails: string;
}

export function settings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const directory = environment.SHOP_DIRECTORY ?? "shop";
  return {
    port: Number(environment.PORT ?? 8650),
    gatewayUrl: environment.SHOP_GATEWAY_URL ?? "http://127.0.0.1:8630",
    journal: join(directory, "orders.jsonl"),
    mails: join(directory, "mails"),
  };
}
