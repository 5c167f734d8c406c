import { Tooltip } from '@base-ui/react/tooltip';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { IconButton } from './IconButton.tsx';

afterEach(cleanup);

it('that is disabled is a disabled button, not only one without a tooltip', () => {
  const act = vi.fn();
  render(
    <Tooltip.Provider>
      <IconButton label="Undo" icon={null} disabled onClick={act} />
    </Tooltip.Provider>,
  );
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Undo' });
  expect(button.disabled).toBe(true);
  fireEvent.click(button);
  expect(act).not.toHaveBeenCalled();
});
