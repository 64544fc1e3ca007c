import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionSettings } from "../src/http/settings.js";
import { SettingsError } from "../src/index.js";

const URL = "http://127.0.0.1:8080";

test("the environment names the server and who asks, a token before an API key", () => {
  const key = connectionSettings({}, { TASKER_URL: `${URL}/`, TASKER_API_KEY: "k", TASKER_API_KEY_HEADER: "X-Shop" });
  assert.deepEqual([key.url, key.credentials], [URL, { "X-Shop": "k" }]);
  const token = connectionSettings({}, { TASKER_URL: URL, TASKER_API_KEY: "k", TASKER_AUTH_TOKEN: "t" });
  assert.deepEqual(token.credentials, { Authorization: "Bearer t" });
});

test("an argument wins over the environment", () => {
  const environment = { TASKER_URL: "http://other", TASKER_AUTH_TOKEN: "t", TASKER_CLIENT_TIMEOUT: "7" };
  const settings = connectionSettings({ url: URL, apiKey: "k", retries: 0 }, environment);
  assert.deepEqual(
    [settings.url, settings.credentials, settings.retries, settings.timeoutMs],
    [URL, { "X-API-Key": "k" }, 0, 7_000],
  );
});

test("settings that can't be used are refused by name", () => {
  const refused = (environment: Record<string, string>, told: RegExp) =>
    assert.throws(
      () => connectionSettings({}, environment),
      (error) => error instanceof SettingsError && told.test(error.message),
    );
  refused({}, /TASKER_URL/);
  refused({ TASKER_URL: "ftp://files" }, /http or https URL, not 'ftp:/);
  refused({ TASKER_URL: URL, TASKER_CLIENT_RETRIES: "often" }, /TASKER_CLIENT_RETRIES .*'often'/);
  refused({ TASKER_URL: URL, TASKER_API_KEY: "line\nbreak" }, /X-API-Key/);
});
