import { string as argument } from '@oclif/core/args';
import { alignedColumns } from '../../cli/aligned-columns.js';
import { BaseCommand } from '../../cli/base-command.js';
import { boolean, number, string } from '../../cli/flags.js';
import { DataError, DuoEvalError, InterruptedError } from '../../errors.js';

export default class DatasetsFetch extends BaseCommand<typeof DatasetsFetch> {
  static override summary = 'Fetch data sets from the Hugging Face hub.';
  static override description =
    `Names are ptb, wikitext103 (or wikitext2), lm1b, lambada, ag_news, pubmed and arxiv, or zero-shot for these seven. The files go into the cache, where --dataset finds them by name. The first fetch records commit and SHA-256; a later fetch restores exactly that and refuses anything else, unless --update is given. An interrupted transfer is resumed.

HF_ENDPOINT names another hub, HF_TOKEN an access token, which is sent to that hub only. The data come with licences of their own.`;
  static override examples = [
    '<%= config.bin %> datasets fetch ptb lambada',
    '<%= config.bin %> datasets fetch zero-shot',
  ];

  static override args = {
    names: argument({ required: true, multiple: true, description: 'Names, or zero-shot.' }),
  };

  static override flags = {
    revision: string({
      summary: "Branch, tag or commit. [default: the data set's own]",
      helpValue: '<name>',
    }),
    update: boolean({ summary: 'Replace what was fetched before.' }),
    timeout: number({
      above: 0,
      max: 86_400,
      default: 30,
      summary: 'Longest silence of the hub, in seconds.',
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const { fetchDataset, namesToFetch } = await import('../../datasets/hub/fetch-dataset.js');
    const { hubConnection } = await import('../../library/checkpoints.js');
    const names = namesToFetch(this.args.names);
    const opening = { note: (text: string) => this.note(text), signal: this.interrupt };
    const connection = await hubConnection(opening, flags.timeout * 1000);
    const fetched: object[] = [];
    const rows: string[][] = [];
    const failures: DuoEvalError[] = [];
    for (const name of names) {
      try {
        const { record, state } = await fetchDataset(name, {
          connection,
          revision: flags.revision,
          update: flags.update,
          onStart: ({ repo, revision, bytes }) => {
            this.note(`Fetching ${name}: ${megabytes(bytes)} MB from ${repo} at ${revision.slice(0, 12)}.`);
            this.progress.start(kilobytes(bytes), `${name} (kB)`);
          },
          onProgress: (done) => this.progress.update(kilobytes(done)),
        });
        const { repo, revision, files } = record;
        fetched.push({ name, state, repo, revision, files });
        for (const { bytes, sha256 } of files) rows.push([name, state, `${bytes}`, sha256]);
      } catch (error) {
        if (!(error instanceof DuoEvalError) || error instanceof InterruptedError) throw error;
        failures.push(error);
        if (HOPELESS.includes(error.code)) break;
      }
    }
    const failure = failures[0] && (failures.length === 1 ? failures[0] : severalFailed(failures));
    if (!this.options.json && rows.length > 0) {
      this.print(alignedColumns([['name', 'state', 'bytes', 'sha256'], ...rows]));
    }
    if (failure) throw failure;
    if (this.options.json) this.printJson({ schemaVersion: 1, datasets: fetched });
  }
}

/** After these, all other names would fail too. */
const HOPELESS = ['hub-unreachable', 'hub-timeout', 'disk-full'];

/** One error for several names, with the hint of the first. */
function severalFailed(failures: readonly DuoEvalError[]): DuoEvalError {
  const { hint, exitCode } = failures[0];
  if (failures.some((failure) => failure.exitCode !== exitCode)) return failures[0];
  const messages = [...new Set(failures.map(({ message }) => message))];
  if (messages.length === 1 || !(failures[0] instanceof DataError)) return failures[0];
  return new DataError({
    code: 'several-not-fetched',
    message: messages[0],
    details: messages.slice(1),
    hint: hint ?? undefined,
  });
}

const kilobytes = (bytes: number): number => Math.ceil(bytes / 1000);
const megabytes = (bytes: number): string => (bytes / 1e6).toPrecision(2);
