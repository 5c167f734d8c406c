import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript, javascriptLanguage } from '@codemirror/lang-javascript';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { forceLinting, lintGutter, linter, type Diagnostic } from '@codemirror/lint';
import { EditorState, Prec, type Transaction } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { callbackCompletions } from './completions.ts';

/** Something wrong in the text; `line` and `column` count from 1. */
export interface TextProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface CodeOptions {
  readonly text: string;
  /** Accessible name. */
  readonly label: string;
  /** Asked a moment after the last change. */
  readonly check: (text: string) => Promise<readonly TextProblem[]>;
  readonly onChange: (text: string) => void;
}

export interface Code {
  setText(text: string): void;
  /** Checks again: something but the text has changed. */
  recheck(): void;
  goTo(line: number): void;
  focus(): void;
  destroy(): void;
}

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--field)', fontSize: '12.5px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--text-faint)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'light-dark(oklch(0 0 0 / 0.04), oklch(1 0 0 / 0.05))' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-wash)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-wash)', outline: '1px solid var(--line-strong)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line-strong)', borderRadius: '8px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-completionInfo': { padding: '6px 8px', fontFamily: 'var(--font)', fontSize: '12px' },
  '.cm-completionDetail': { color: 'inherit', opacity: '0.8' },
  '.cm-diagnostic': { padding: '4px 8px', fontFamily: 'var(--font)' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--danger)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword], color: 'var(--accent-text)' },
  { tag: [tags.string, tags.regexp], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'light-dark(oklch(0.45 0.13 260), oklch(0.78 0.1 250))' },
  { tag: tags.comment, color: 'var(--text-faint)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'light-dark(oklch(0.42 0.13 300), oklch(0.8 0.1 310))' },
  { tag: tags.invalid, color: 'var(--danger)' },
]);

const checkAfterMs = 450;

/** Escape closes the list of completions, not the dialog around it. */
function keepEscape(event: KeyboardEvent, { state }: EditorView): boolean {
  if (event.key === 'Escape' && completionStatus(state) === 'active') event.stopPropagation();
  return false;
}

/**
 * Typing over a selection, done by the editor: the browser would keep the look of what it replaces in an inline style, which
 * the page does not allow.
 */
function replaceSelection(event: InputEvent, view: EditorView): boolean {
  const { main } = view.state.selection;
  const text = event.data;
  if (event.inputType !== 'insertText' || text === null || main.empty || view.composing) return false;
  const insert = (): Transaction => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true });
  const handled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, text, insert));
  if (!handled) view.dispatch(insert());
  event.preventDefault();
  return true;
}

function diagnosticOf({ doc }: EditorState, { line, column, message }: TextProblem): Diagnostic {
  const row = doc.line(Math.min(Math.max(1, line), doc.lines));
  const from = Math.min(row.to, row.from + Math.max(0, column - 1));
  return { from, to: Math.max(from, row.to), severity: 'error', message };
}

/**
 * An editor for JavaScript in `host`. It lives in a shadow root: there its styles are constructable sheets, which a page
 * without inline styles allows. Tab leaves it, as it does every other field.
 */
export function createCode(host: HTMLElement, { text, label, check, onChange }: CodeOptions): Code {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of('  '),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        javascript(),
        javascriptLanguage.data.of({ autocomplete: callbackCompletions }),
        syntaxHighlighting(colours),
        lintGutter(),
        linter(async ({ state }) => (await check(state.doc.toString())).map((problem) => diagnosticOf(state, problem)), { delay: checkAfterMs }),
        Prec.highest(EditorView.domEventHandlers({ keydown: keepEscape, beforeinput: replaceSelection })),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
        look,
      ],
    }),
  });
  return {
    setText: (next) => {
      if (next !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    recheck: () => forceLinting(view),
    goTo: (line) => {
      const row = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
      view.dispatch({ selection: { anchor: row.from }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => {
      closeCompletion(view);
      view.destroy();
    },
  };
}
