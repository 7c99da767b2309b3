import { string as argument } from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { UsageError } from '../errors.js';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print a script that completes commands in a shell.';
  static override description =
    'Completes commands, flags and the words that flags take: families, samplers, data sets, tasks. For bash or zsh, put source <(duo-eval completion bash) or … zsh in ~/.bashrc or ~/.zshrc.';
  static override examples = [
    '<%= config.bin %> completion bash > ~/.duo-eval.bash',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/duo-eval.fish',
  ];

  static override args = {
    shell: argument({ required: true, description: 'bash, zsh or fish.' }),
  };

  async run(): Promise<void> {
    const { completionScript, SHELLS } = await import('../cli/completion.js');
    const shell = SHELLS.find((one) => one === this.args.shell);
    if (shell === undefined) {
      throw new UsageError({
        code: 'unknown-shell',
        message: `There is no completion for the shell "${this.args.shell}".`,
        hint: `There is one for each of: ${SHELLS.join(', ')}.`,
      });
    }
    const { readPackage } = await import('../cli/command-line.js');
    const { samplers } = await import('../samplers/registry.js');
    const { listDatasets } = await import('../datasets/catalogue.js');
    const { ZERO_SHOT } = await import('../datasets/hub/locations.js');
    const { builtInTasks } = await import('../evals/tasks/task-files.js');
    const { bin, commands } = readPackage(this.config.root);
    const datasets = [...(await listDatasets()).map(({ name }) => name), ZERO_SHOT];
    const words = {
      sampler: samplers.flatMap(({ name, aliases = {} }) => [name, ...Object.keys(aliases)]),
      ...{ dataset: datasets, 'reference-dataset': datasets, task: builtInTasks() },
    };
    const visible = commands.filter(({ hidden }) => !hidden);
    this.print(completionScript(shell, { bin, commands: visible, words }));
  }
}
