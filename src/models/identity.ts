/** The files of a checkpoint: their digest, and whether they have changed since they were opened. */
import { type BigIntStats, statSync } from 'node:fs';
import { ModelError } from '../errors.js';
import { rememberedSha256OfFile, sha256OfBytes } from '../storage/digest.js';

export class FileSnapshot {
  private readonly stats: string[];
  private digests: Promise<string[]> | null = null;

  /** @param path the model as the user named it, for errors   @param files the model file first, then its external data */
  constructor(
    private readonly path: string,
    private readonly files: readonly string[],
  ) {
    this.stats = files.map(identityOf);
  }

  /** SHA-256 of the model file alone, without its external data: what `sha256sum` prints. */
  async sha256OfModelFile(): Promise<string> {
    return (await this.each())[0];
  }

  /** SHA-256 of the model file; with external data, SHA-256 of the list of all files' digests. */
  async sha256(): Promise<string> {
    const digests = await this.each();
    return digests.length === 1 ? digests[0] : sha256OfBytes(digests.map((digest) => `${digest}\n`).join(''));
  }

  /** @throws ModelError `model-changed` */
  verify(): void {
    const changed = this.files.some((file, i) => identityOf(file) !== this.stats[i]);
    if (!changed) return;
    throw new ModelError({
      code: 'model-changed',
      message: `${this.path} or its external data changed while it was in use.`,
      hint: 'Start again once the file is complete; results of two versions are not mixed.',
    });
  }

  private each(): Promise<string[]> {
    this.digests ??= (async () => {
      const digests: string[] = [];
      for (const file of this.files) digests.push(await rememberedSha256OfFile(file));
      this.verify();
      return digests;
    })();
    return this.digests;
  }
}

function identityOf(file: string): string {
  let stat: BigIntStats;
  try {
    stat = statSync(file, { bigint: true });
  } catch {
    return 'gone';
  }
  return [stat.size, stat.dev, stat.ino, stat.mtimeNs].join(':');
}
