/** The hub's address and token: HF_ENDPOINT and HF_TOKEN, the variables of the hub's own programs. */
import { UsageError } from '../../errors.js';

export interface HubEndpoint {
  /** Without a trailing slash, e.g. `https://huggingface.co`. */
  url: string;
  /** Host and port, for messages. */
  host: string;
  /** Never printed, never recorded, and sent to no other origin than that of `url`. */
  token: string | null;
}

const HUB_URL = 'https://huggingface.co';
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** @throws UsageError when a variable is invalid; the message repeats neither a token nor a password */
export function hubEndpoint(env: NodeJS.ProcessEnv = process.env): HubEndpoint {
  const url = endpointUrl(env.HF_ENDPOINT?.trim() || HUB_URL);
  const token = env.HF_TOKEN?.trim() || null;
  if (token !== null && !/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError({
      code: 'invalid-token',
      message: 'HF_TOKEN holds characters that no token has.',
      hint: 'Copy it again from the settings of your account on the hub, or unset it: public data needs none.',
    });
  }
  if (token !== null && url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw new UsageError({
      code: 'insecure-endpoint',
      message: `HF_TOKEN would travel to ${url.host} unencrypted.`,
      hint: 'Give HF_ENDPOINT an https address, or unset HF_TOKEN.',
    });
  }
  return { url: url.href.replace(/\/+$/, ''), host: url.host, token };
}

function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url && isWeb && !url.username && !url.password && !url.search && !url.hash) return url;
  throw new UsageError({
    code: 'invalid-endpoint',
    message: 'HF_ENDPOINT is not the address of a hub.',
    hint: `It is an http or https address without user, password or query, e.g. ${HUB_URL}`,
  });
}
