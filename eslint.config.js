import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { layers } from './eslint.layers.ts';

export default tseslint.config(
  { ignores: ['out/', 'dist/', 'node_modules/', 'test-results/', 'playwright-report/', 'assets/'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.recommended],
    plugins: { layers },
    rules: {
      'layers/imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        {
          selector: 'LogicalExpression[operator="||"][right.type="Literal"][right.raw!="false"][right.raw!="true"]',
          message: 'Absence is `??`: `||` also swallows 0 and the empty string.',
        },
      ],
      // TypeScript reports these itself, with types.
      'no-undef': 'off',
    },
  },
  {
    // Electron is not ready before the main module has been evaluated: a top-level await there hangs for ever.
    files: ['electron/main.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'AwaitExpression:not(:function AwaitExpression)', message: 'No top-level await in main.ts.' },
      ],
    },
  },
  { files: ['*.config.ts', '*.config.js', 'eslint.layers.ts'], rules: { 'no-restricted-syntax': 'off', 'no-undef': 'off' } },
  { files: ['renderer/**/*.{ts,tsx}'], ...reactHooks.configs.flat['recommended-latest'] },
);
