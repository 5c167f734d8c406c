import './jitless.ts';
import './ui/tokens.css';
import './ui/base.css';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { resolveLanguage, startLanguage } from './i18n/i18n.ts';
import { startSession } from './stores/session.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('The page has no #root.');

await startLanguage(resolveLanguage('system', navigator.languages));
startSession();
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <App />
    </CSPProvider>
  </StrictMode>,
);
