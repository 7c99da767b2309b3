/** What is damaged, and how often: the share of all cases. */
import { expressions } from './expressions.mjs';
import { hubs } from './hubs.mjs';
import { journal, packed, registration } from './kept.mjs';
import { card, checkpoint } from './models.mjs';
import { places } from './places.mjs';
import { prompts } from './prompts.mjs';
import { records } from './records.mjs';
import { samplers } from './samplers.mjs';
import { shapes } from './shapes.mjs';
import { csv, jsonLines, parquet } from './tables.mjs';
import { tokenizer } from './tokenizer.mjs';
import { layouts, llama2c, pickle, safetensors } from './weights.mjs';

export const kinds = {
  checkpoint,
  card,
  tokenizer,
  parquet,
  csv,
  jsonl: jsonLines,
  journal,
  registration,
  packed,
  safetensors,
  layouts,
  pickle,
  llama2c,
  shapes,
  expressions,
  places,
  records,
  prompts,
  hubs,
  samplers,
};

/** One round of kinds: the case of an index is that of its place in the round. */
const ROUND = [
  'checkpoint',
  'parquet',
  'tokenizer',
  'card',
  'csv',
  'checkpoint',
  'journal',
  'jsonl',
  'parquet',
  'registration',
  'checkpoint',
  'tokenizer',
  'csv',
  'card',
  'parquet',
  'checkpoint',
  'jsonl',
  'journal',
  'tokenizer',
  'packed',
  'safetensors',
  'layouts',
  'pickle',
  'llama2c',
  'shapes',
  'expressions',
  'places',
  'records',
  'places',
  'hubs',
  'samplers',
  'prompts',
];

/** @param {number} index @returns {keyof typeof kinds} */
export const kindOf = (index) => /** @type {keyof typeof kinds} */ (ROUND[index % ROUND.length]);
