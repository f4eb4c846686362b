-- Opens LOG in a Neovim that has the plug-in, asks for hover and definition at LINE as keys would, writes what came.
local done = {}
local function finish()
  vim.fn.writefile({ vim.fn.json_encode(done) }, vim.env.KSRCFIND_RESULT)
  vim.cmd("qall!")
end

local ok, problem = pcall(function()
  require("ksrcfind").setup({
    cmd = vim.fn.json_decode(vim.env.KSRCFIND_SERVER),
    settings = { repo = vim.env.KSRCFIND_TREE, historyWait = 30 },
  })
  vim.cmd("edit " .. vim.env.KSRCFIND_LOG)
  done.filetype = vim.bo.filetype
  assert(vim.wait(30000, function()
    return #vim.lsp.buf_get_clients(0) > 0
  end, 20), "no client")
  local line = tonumber(vim.env.KSRCFIND_LINE)
  vim.api.nvim_win_set_cursor(0, { line, 0 })
  local params = vim.lsp.util.make_position_params()
  local _, answer = next(vim.lsp.buf_request_sync(0, "textDocument/hover", params, 60000) or {})
  done.hover = answer and answer.result and answer.result.contents.value
  local before = vim.api.nvim_get_current_buf()
  vim.lsp.buf.definition()
  vim.wait(60000, function()
    return vim.api.nvim_get_current_buf() ~= before
  end, 20)
  done.file = vim.api.nvim_buf_get_name(0)
  done.line = vim.api.nvim_win_get_cursor(0)[1]
  done.text = vim.api.nvim_get_current_line()
end)
done.error = not ok and tostring(problem) or nil
finish()
