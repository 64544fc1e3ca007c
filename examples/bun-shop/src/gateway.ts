import { NetworkError, PermanentError, RetryableError } from "tasker-core";

export interface Charge {
  readonly charge_id: string;
  readonly amount_cents: number;
}

interface Said {
  readonly charge_id?: string;
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** The payment gateway: what it answers, as the errors that Tasker knows. */
export class Gateway {
  constructor(private readonly url: string) {}

  /** Charges a card; once for each `key`, however often it is asked. */
  async charge(cents: number, card: string, key: string, signal: AbortSignal): Promise<Charge> {
    const body = { amount_cents: cents, currency: "EUR", token: card };
    const { charge_id = "" } = await this.post("/charges", body, key, signal);
    return { charge_id, amount_cents: cents };
  }

  async refund(chargeId: string, key: string, signal: AbortSignal): Promise<void> {
    await this.post(`/charges/${chargeId}/refund`, {}, key, signal);
  }

  private async post(path: string, body: object, key: string, signal: AbortSignal): Promise<Said> {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const patience = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    let answer: Response;
    let said: Said;
    try {
      answer = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body), signal: patience });
      said = (await answer.json()) as Said;
    } catch (error) {
      throw new NetworkError("the gateway doesn't answer", { cause: error });
    }
    if (answer.ok) return said;
    const message = said.error?.message ?? `the gateway answers ${answer.status}`;
    const code = said.error?.code;
    if (answer.status !== 429 && answer.status < 500) throw new PermanentError(message, { code });
    const seconds = Number(answer.headers.get("Retry-After") ?? 0);
    throw new RetryableError(message, { code, retryAfterMs: seconds > 0 ? 1_000 * seconds : undefined });
  }
}
