// A site of the same pages that GitHub shows: `npm run docs:site` builds it in .site/, `npm run docs:serve` shows it while you write.
// VitePress (125 packages, 100 MB) is run by npx and is no dependency of the project.
// README.md is the first page; the others keep their places, so that their links hold in both.
export default {
  title: 'duo-eval',
  description: 'Evaluation of discrete diffusion language models, with error bars.',
  srcDir: '..',
  outDir: '../.site',
  cacheDir: '../.site-cache',
  srcExclude: ['**/node_modules/**', 'test/**', 'dist/**', '.*/**', 'THIRD-PARTY-NOTICES.md', 'CHANGELOG.md'],
  rewrites: { 'README.md': 'index.md' },
  themeConfig: {
    search: { provider: 'local' },
    outline: 'deep',
    sidebar: [
      { text: 'Start', link: '/' },
      {
        text: 'Evaluate',
        items: [
          { text: 'Protocols and errors', link: '/docs/protocols' },
          { text: 'Likelihood', link: '/docs/likelihood' },
          { text: 'Tasks', link: '/docs/tasks' },
          { text: 'Data sets and tokenizers', link: '/docs/data-sets' },
          { text: 'Models', link: '/docs/models' },
          { text: 'Comparing', link: '/docs/comparing' },
        ],
      },
      {
        text: 'Write text',
        items: [
          { text: 'Samplers', link: '/docs/samplers' },
          { text: 'Measuring generation', link: '/docs/generation' },
          { text: 'Server', link: '/docs/server' },
          { text: 'Training', link: '/docs/training' },
        ],
      },
      {
        text: 'Many runs',
        items: [
          { text: 'Suites', link: '/docs/suites' },
          { text: 'Gates and continuous integration', link: '/docs/gates-and-ci' },
          { text: 'Reports', link: '/docs/reports' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'The command line', link: '/docs/command-line' },
          { text: 'Results format', link: '/docs/results-format' },
          { text: 'The library', link: '/docs/library' },
          { text: 'Performance', link: '/docs/performance' },
          { text: 'Platforms', link: '/docs/platforms' },
          { text: 'Troubleshooting', link: '/docs/troubleshooting' },
          { text: 'Security', link: '/SECURITY' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
        ],
      },
    ],
  },
};
