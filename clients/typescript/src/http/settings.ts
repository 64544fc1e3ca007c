import { SettingsError } from "../errors/index.js";

/** Where the server is and who asks it; what isn't given is taken from the environment. */
export interface ConnectionOptions {
  /** The server's URL; else `TASKER_URL`. */
  url?: string | undefined;
  /** An API key; else `TASKER_API_KEY`. */
  apiKey?: string | undefined;
  /** A bearer token, which goes before an API key; else `TASKER_ORCHESTRATION_AUTH_TOKEN` or `TASKER_AUTH_TOKEN`. */
  token?: string | undefined;
  /** How long a call may take, its repetitions included; else the seconds of `TASKER_CLIENT_TIMEOUT`, else 30 s. */
  timeoutMs?: number | undefined;
  /** How often a call is repeated at most; else `TASKER_CLIENT_RETRIES`, else 3. */
  retries?: number | undefined;
}

/** The settings that count. Plain data, so that a thread can be given them. */
export interface ConnectionSettings {
  readonly url: string;
  /** What every request carries to say who asks. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retries: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings that count: an argument goes before the environment.
 *
 * @throws SettingsError naming the setting, and what would be right
 */
export function connectionSettings(
  options: ConnectionOptions = {},
  environment: Environment = process.env,
): ConnectionSettings {
  const said = (name: string) => environment[name] || undefined;
  return {
    url: serverUrl(options.url ?? said("TASKER_URL")),
    credentials: credentials(options, said),
    timeoutMs: options.timeoutMs ?? 1_000 * numberOf(said, "TASKER_CLIENT_TIMEOUT", 30),
    connectTimeoutMs: 1_000 * numberOf(said, "TASKER_CLIENT_CONNECT_TIMEOUT", 5),
    retries: options.retries ?? numberOf(said, "TASKER_CLIENT_RETRIES", 3),
  };
}

function serverUrl(given: string | undefined): string {
  if (given === undefined) {
    throw new SettingsError("no server is named: set TASKER_URL, or give url, such as http://127.0.0.1:8080", {
      field: "url",
    });
  }
  const isHttp = URL.canParse(given) && /^https?:$/.test(new URL(given).protocol);
  if (!isHttp) throw new SettingsError(`url must be an http or https URL, not '${given}'`, { field: "url" });
  return given.replace(/\/+$/, "");
}

function credentials(
  options: ConnectionOptions,
  said: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  // What is given by argument wins over the environment, whichever of the two kinds it is.
  const given = options.token !== undefined || options.apiKey !== undefined;
  const token = given ? options.token : (said("TASKER_ORCHESTRATION_AUTH_TOKEN") ?? said("TASKER_AUTH_TOKEN"));
  const key = given ? options.apiKey : said("TASKER_API_KEY");
  if (token !== undefined) return header("Authorization", `Bearer ${token}`);
  if (key !== undefined) return header(said("TASKER_API_KEY_HEADER") ?? "X-API-Key", key);
  return {};
}

function header(name: string, value: string): Record<string, string> {
  if (!/^[\x20-\x7e]+$/.test(value)) {
    throw new SettingsError(`the credentials for ${name} hold a character that no header can`);
  }
  return { [name]: value };
}

function numberOf(said: (name: string) => string | undefined, name: string, otherwise: number): number {
  const text = said(name);
  const value = text === undefined ? otherwise : Number(text);
  if (!(value >= 0)) throw new SettingsError(`${name} must be a number of at least 0, not '${text}'`);
  return value;
}
