/**
 * Where each of the seven lies on the Hugging Face hub: one table, no logic. Data sets that were once loaded by a script
 * (PTB, LM1B, scientific papers) are there as the hub's own Parquet conversions, on a branch of their own. The hub could
 * not be reached where this was written; the table is from its public pages and is checked whenever something is fetched.
 */

export interface HubLocation {
  /** `owner/name` of the data set. */
  repo: string;
  /** Branch that is looked up at the first fetch; what is recorded is the commit it stood at. */
  branch: 'main' | 'refs/convert/parquet';
  /** Folder whose files are listed. */
  folder: string;
  /** Files of the split that the protocol names, below the folder, in the order of their names. */
  files: RegExp;
  /** What our copy is called: how it is read depends on it. */
  ending: '.parquet' | '.jsonl';
  /**
   * SHA-256, only where the very file of the hub is known byte for byte. The others are conversions whose bytes
   * depend on the program that wrote them; theirs are recorded at the first fetch.
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
    // The file that OpenAI published; the hub's copy of it is the same, by the checksums its own card lists.
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

/** The seven of `datasets fetch all`: WikiText once, since its two validation splits are the same text. */
export const THE_SEVEN = ['ptb', 'wikitext103', 'lm1b', 'lambada', 'ag_news', 'pubmed', 'arxiv'] as const;
