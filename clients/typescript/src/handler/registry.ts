import { HandlerDeclarationError } from "../errors/index.js";
import type { StepHandlerClass } from "./step-handler.js";

/** What a worker serves: handler classes by the names that templates call them by. */
export class HandlerRegistry {
  private readonly byName = new Map<string, StepHandlerClass>();

  constructor(handlers: readonly StepHandlerClass[] = []) {
    for (const handler of handlers) this.register(handler);
  }

  /** Throws HandlerDeclarationError for a name that is taken. */
  register(handler: StepHandlerClass): void {
    const name = handler.handlerName || handler.name;
    const there = this.byName.get(name);
    if (there !== undefined && there !== handler)
      throw new HandlerDeclarationError(`two handlers are called '${name}'`);
    this.byName.set(name, handler);
  }

  /** The handler of this name; undefined where there is none. */
  lookup(name: string): StepHandlerClass | undefined {
    return this.byName.get(name);
  }

  get names(): string[] {
    return [...this.byName.keys()];
  }

  get all(): [name: string, handler: StepHandlerClass][] {
    return [...this.byName];
  }
}
