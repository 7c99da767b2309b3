/** What a request must bring before it is looked at: the right name of the server, its token, and a body that is small enough. */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { sha256OfBytes } from '../storage/digest.js';
import { parseStrictJson } from '../strict-json.js';
import { ClientLeft, RequestFailure } from './failures.js';

export interface EntranceRules {
  /** What the server listens on. */
  host: string;
  /** Null: anyone who reaches the server may ask. */
  token: string | null;
  /** Most bytes of a body. */
  bodyBytes: number;
}

/** Bodies that are being read, together. */
const BODIES_BYTES = 128 * 2 ** 20;

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i;

export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

export class Entrance {
  private readonly tokenDigest: Buffer | null;
  private readonly isLocal: boolean;
  private bodies = 0;

  constructor(private readonly rules: EntranceRules) {
    this.isLocal = isLoopback(rules.host);
    this.tokenDigest = rules.token === null ? null : digestOf(rules.token);
  }

  /** A page of another site can make a browser ask a server that listens here alone, but not under one of these names. @throws RequestFailure 403 */
  checkHost(host = ''): void {
    if (!this.isLocal || isLoopback(host.replace(/:\d+$/, ''))) return;
    throw new RequestFailure(
      403,
      'host-not-local',
      'This server listens for programs of its own machine: ask it as 127.0.0.1 or localhost.',
    );
  }

  /** @throws RequestFailure 401 */
  checkToken(authorization = ''): void {
    if (this.tokenDigest === null) return;
    const given = /^Bearer +(.+)$/i.exec(authorization)?.[1] ?? '';
    if (timingSafeEqual(digestOf(given.trim()), this.tokenDigest)) return;
    throw new RequestFailure(
      401,
      'wrong-token',
      'This server asks for a token: send "Authorization: Bearer …".',
    );
  }

  /** @returns parsed JSON   @throws RequestFailure 400, 413, 415, 429; ClientLeft */
  async readBody(incoming: IncomingMessage, client: AbortSignal): Promise<unknown> {
    if (!/^application\/json\s*(;|$)/i.test(incoming.headers['content-type'] ?? ''))
      throw new RequestFailure(
        415,
        'body-not-json',
        'Send "Content-Type: application/json" and a JSON body.',
      );
    const { bodyBytes } = this.rules;
    if (Number(incoming.headers['content-length'] ?? 0) > bodyBytes) throw tooLarge(bodyBytes);
    const body = await this.readAll(incoming);
    if (client.aborted) throw new ClientLeft();
    try {
      return parseStrictJson(body);
    } catch (error) {
      throw new RequestFailure(
        400,
        'body-not-json',
        `The body is no usable JSON: ${(error as Error).message}.`,
      );
    }
  }

  private async readAll(incoming: AsyncIterable<Buffer>): Promise<Buffer> {
    const { bodyBytes } = this.rules;
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of incoming) {
        size += chunk.length;
        this.bodies += chunk.length;
        if (size > bodyBytes) throw tooLarge(bodyBytes);
        if (this.bodies > BODIES_BYTES)
          throw new RequestFailure(
            429,
            'queue-full',
            'Too many large requests are being sent at once. Try again later.',
            1,
          );
        chunks.push(chunk);
      }
    } catch (error) {
      throw error instanceof RequestFailure ? error : new ClientLeft();
    } finally {
      this.bodies -= size;
    }
    return Buffer.concat(chunks);
  }
}

const tooLarge = (bytes: number) =>
  new RequestFailure(
    413,
    'body-too-large',
    `The body is larger than ${bytes / 2 ** 20} MiB. Send fewer texts at a time, or start the server with a larger --max-body.`,
  );

const digestOf = (text: string): Buffer => Buffer.from(sha256OfBytes(text), 'hex');
