/** `--provider` and `--device`: where models run. The same for every command that runs one. */
import { custom } from '@oclif/core/flags';
import { UsageError } from '../errors.js';
import type { DeviceChoice, ProviderChoice } from '../models/provider.js';
import { oneOf } from './flags.js';

const CHOICES = ['cpu', 'webgpu', 'cuda', 'auto'];

/** Cards of one machine. */
const MOST_CARDS = 1000;

/** The provider alone, for commands that run nothing themselves. @param what runs: `Where models run` */
export const providerFlag = (what: string) =>
  custom<ProviderChoice>({
    helpValue: CHOICES.join('|'),
    parse: async (input) => {
      // The module of providers takes time to load, and most values name no card.
      if (!input.includes(':')) return oneOf(CHOICES, input, 'provider') as ProviderChoice;
      const { parseProvider } = await import('../models/provider.js');
      return parseProvider(input);
    },
  })({ default: 'cpu', summary: `${what}; cuda:1 names a card.` });

const device = custom<DeviceChoice>({
  helpValue: '<n|auto>',
  parse: async (input) => {
    if (input === 'auto') return input;
    if (/^\d+$/.test(input) && Number(input) < MOST_CARDS) return Number(input);
    throw new UsageError({
      code: 'invalid-flag-value',
      message: `--device takes the number of a card, or auto, not "${input}".`,
      hint: 'For example: --provider cuda --device 0',
    });
  },
});

/** The card alone, for a command that is told the provider. */
export const deviceFlag = () => device({ summary: 'Card of cuda; auto: that of the local rank.' });

/** @param what runs: `Where models run` */
export const providerFlags = (what: string) => ({
  provider: providerFlag(what),
  device: deviceFlag(),
});
