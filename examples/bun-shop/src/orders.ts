import { PermanentError } from "tasker-core";
import { Journal } from "./journal.js";

export interface Item {
  readonly sku: string;
  readonly quantity: number;
}

/** What a customer wants. The cart is theirs: who clicks twice sends the same one again. */
export interface Wish {
  readonly cart: string;
  readonly email: string;
  readonly card: string;
  readonly items: readonly Item[];
}

export interface Order extends Wish {
  readonly orderId: string;
  taskUuid: string | null;
  charge: { readonly chargeId: string; readonly totalCents: number } | null;
}

type Entry =
  | { readonly what: "placed"; readonly orderId: string; readonly wish: Wish }
  | { readonly what: "handed over"; readonly orderId: string; readonly taskUuid: string }
  | { readonly what: "reserved"; readonly orderId: string; readonly items: readonly Item[] }
  | { readonly what: "confirmed"; readonly orderId: string; readonly chargeId: string; readonly totalCents: number };

const GOODS: Readonly<Record<string, { cents: number; stock: number }>> = {
  tea: { cents: 450, stock: 100 },
  pot: { cents: 3890, stock: 5 },
};

/** The shop's orders and its shelf, kept in a journal. */
export class Orders {
  private readonly byId = new Map<string, Order>();
  private readonly byCart = new Map<string, Order>();
  private readonly shelf = new Map(Object.entries(GOODS).map(([sku, { stock }]) => [sku, stock]));
  private readonly reserved = new Set<string>();
  private readonly journal: Journal<Entry>;

  constructor(path: string) {
    this.journal = new Journal<Entry>(path, (entry) => this.take(entry));
  }

  /** The order of this cart, placed now or before. */
  place(wish: Wish): Order {
    const there = this.byCart.get(wish.cart);
    if (there === undefined) this.write({ what: "placed", orderId: crypto.randomUUID(), wish });
    return there ?? this.known(this.byCart.get(wish.cart));
  }

  find(orderId: string): Order | undefined {
    return this.byId.get(orderId);
  }

  /** Those that no task was created for, since the server couldn't be reached. */
  get waiting(): Order[] {
    return [...this.byId.values()].filter(({ taskUuid }) => taskUuid === null);
  }

  handedOver(orderId: string, taskUuid: string): void {
    this.write({ what: "handed over", orderId, taskUuid });
  }

  /** What the items cost. Throws PermanentError for what the shop doesn't sell. */
  price(items: readonly Item[]): number {
    const unknown = items.filter(({ sku }) => GOODS[sku] === undefined).map(({ sku }) => sku);
    if (unknown.length > 0) {
      throw new PermanentError(`the shop doesn't sell ${unknown.join(", ")}`, { code: "unknown_sku" });
    }
    return items.reduce((sum, { sku, quantity }) => sum + (GOODS[sku]?.cents ?? 0) * quantity, 0);
  }

  stock(sku: string): number {
    return this.shelf.get(sku) ?? 0;
  }

  /** Takes an order's goods off the shelf, once however often it is asked. Throws PermanentError where too few are left. */
  reserve(orderId: string, items: readonly Item[]): void {
    if (this.reserved.has(orderId)) return;
    const short = items.find(({ sku, quantity }) => this.stock(sku) < quantity);
    if (short !== undefined) {
      throw new PermanentError(`only ${this.stock(short.sku)} of ${short.sku} are left`, { code: "sold_out" });
    }
    this.write({ what: "reserved", orderId, items });
  }

  confirm(orderId: string, chargeId: string, totalCents: number): void {
    this.write({ what: "confirmed", orderId, chargeId, totalCents });
  }

  close(): void {
    this.journal.close();
  }

  private write(entry: Entry): void {
    this.journal.write(entry);
    this.take(entry);
  }

  private take(entry: Entry): void {
    if (entry.what === "placed") {
      const order = { orderId: entry.orderId, ...entry.wish, taskUuid: null, charge: null };
      this.byId.set(order.orderId, order);
      this.byCart.set(order.cart, order);
      return;
    }
    const order = this.known(this.byId.get(entry.orderId));
    if (entry.what === "handed over") order.taskUuid = entry.taskUuid;
    if (entry.what === "confirmed") order.charge = { chargeId: entry.chargeId, totalCents: entry.totalCents };
    if (entry.what === "reserved" && !this.reserved.has(order.orderId)) {
      this.reserved.add(order.orderId);
      for (const { sku, quantity } of entry.items) this.shelf.set(sku, this.stock(sku) - quantity);
    }
  }

  private known(order: Order | undefined): Order {
    if (order === undefined) throw new PermanentError("there is no such order", { code: "unknown_order" });
    return order;
  }
}
