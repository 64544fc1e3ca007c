import { serve } from "@hono/node-server";
import { settings } from "./settings.js";
import { Shop } from "./shop.js";

const wanted = settings();
const shop = await Shop.open(wanted);
const server = serve({ fetch: shop.app.fetch, port: wanted.port, hostname: "127.0.0.1" }, ({ port }) =>
  console.log(`shop listens at http://127.0.0.1:${port}`),
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, async () => {
    server.close();
    await shop.close();
    process.exit(0);
  });
}
