/**
 * Where each of the seven is on the Hugging Face hub: one table, no logic. Data sets once loaded by a script (PTB, LM1B,
 * scientific papers) are there as the hub's own Parquet conversions, on a separate branch. The hub was not reachable
 * when this was written; the table comes from its public pages and is checked on every fetch.
 */

export interface HubLocation {
  /** `owner/name` of the data set. */
  repo: string;
  /** Branch to resolve at the first fetch, which records the commit. */
  branch: 'main' | 'refs/convert/parquet';
  /** Folder to list. */
  folder: string;
  /** Files of the protocol's split, below the folder, sorted by name. */
  files: RegExp;
  /** Ending of our copy, which decides how it is read. */
  ending: '.parquet' | '.jsonl';
  /**
   * SHA-256, only where the hub's exact bytes are known. The others are conversions, whose bytes depend on the program
   * that wrote them; the first fetch records their hashes.
   */
  sha256?: string;
}

export const HUB_LOCATIONS: Readonly<Record<string, HubLocation>> = {
  ptb: {
    repo: 'ptb-text-only/ptb_text_only',
    branch: 'refs/convert/parquet',
    folder: 'penn_treebank',
    files: /^validation\/\d+\.parquet$/,
    ending: '.parquet',
  },
  wikitext103: {
    repo: 'Salesforce/wikitext',
    branch: 'main',
    folder: 'wikitext-103-raw-v1',
    files: /^validation-\d+-of-\d+\.parquet$/,
    ending: '.parquet',
  },
  wikitext2: {
    repo: 'Salesforce/wikitext',
    branch: 'main',
    folder: 'wikitext-2-raw-v1',
    files: /^validation-\d+-of-\d+\.parquet$/,
    ending: '.parquet',
  },
  lm1b: {
    repo: 'billion-word-benchmark/lm1b',
    branch: 'refs/convert/parquet',
    folder: 'plain_text',
    files: /^test\/\d+\.parquet$/,
    ending: '.parquet',
  },
  lambada: {
    repo: 'EleutherAI/lambada_openai',
    branch: 'main',
    folder: 'data',
    files: /^lambada_test\.jsonl$/,
    ending: '.jsonl',
    // The file that OpenAI published; by the checksums on its card, the hub's copy is identical.
    sha256: '4aa8d02cd17c719165fc8a7887fddd641f43fcafa4b1c806ca8abc31fabdb226',
  },
  ag_news: {
    repo: 'fancyzhx/ag_news',
    branch: 'main',
    folder: 'data',
    files: /^test-\d+-of-\d+\.parquet$/,
    ending: '.parquet',
  },
  pubmed: {
    repo: 'armanc/scientific_papers',
    branch: 'refs/convert/parquet',
    folder: 'pubmed',
    files: /^validation\/\d+\.parquet$/,
    ending: '.parquet',
  },
  arxiv: {
    repo: 'armanc/scientific_papers',
    branch: 'refs/convert/parquet',
    folder: 'arxiv',
    files: /^validation\/\d+\.parquet$/,
    ending: '.parquet',
  },
};

/** Names the seven together, wherever data sets are named. */
export const ZERO_SHOT = 'zero-shot';

/** The seven of the zero-shot protocol: WikiText only once, because its two validation splits are the same text. */
export const THE_SEVEN = ['ptb', 'wikitext103', 'lm1b', 'lambada', 'ag_news', 'pubmed', 'arxiv'] as const;
