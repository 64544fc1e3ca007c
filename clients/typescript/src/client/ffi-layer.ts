import { type ConnectionOptions, type ConnectionSettings, connectionSettings } from "../http/settings.js";

/**
 * The connection that clients are made with, for code that is written so. Nothing foreign is loaded: it holds the server's
 * URL and who asks, from its argument or the environment.
 *
 * @example
 * const ffi = new FfiLayer();
 * await ffi.load();
 * const client = new TaskerClient(ffi);
 */
export class FfiLayer {
  private loaded: ConnectionSettings | null = null;

  constructor(private readonly options: ConnectionOptions = {}) {}

  /** Looks at the settings. Throws SettingsError where they name no server, or can't be used. */
  async load(): Promise<void> {
    this.loaded = connectionSettings(this.options);
  }

  isLoaded(): boolean {
    return this.loaded !== null;
  }

  async unload(): Promise<void> {
    this.loaded = null;
  }

  /** The settings that count. */
  get settings(): ConnectionSettings {
    return this.loaded ?? connectionSettings(this.options);
  }
}
