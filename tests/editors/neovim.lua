-- Opens LOG in a Neovim that has the plug-in, asks at LINE as keys would, writes what came.
local done = {}
local function finish()
  vim.fn.writefile({ vim.fn.json_encode(done) }, vim.env.KSRCFIND_RESULT)
  vim.cmd("qall!")
end

local function wait(what, condition)
  assert(vim.wait(60000, condition, 20), what)
end

local function ask(method, params)
  local _, answer = next(vim.lsp.buf_request_sync(0, method, params, 60000) or {})
  return answer and answer.result
end

local function hover()
  local answer = ask("textDocument/hover", vim.lsp.util.make_position_params())
  return answer and answer.contents.value
end

local function lenses()
  local titles = {}
  for _, lens in ipairs(vim.lsp.codelens.get(0)) do
    if lens.command then
      table.insert(titles, lens.command.title)
    end
  end
  return titles
end

local ok, problem = pcall(function()
  require("ksrcfind").setup({ settings = { historyWait = 30 }, follow = 100 })
  vim.cmd("edit " .. vim.env.KSRCFIND_LOG)
  local log = vim.api.nvim_get_current_buf()
  done.filetype = vim.bo.filetype
  wait("no client", function()
    return #vim.lsp.buf_get_clients(0) > 0
  end)
  done.asked = vim.env.KSRCFIND_LINE
  vim.api.nvim_win_set_cursor(0, { tonumber(done.asked), 0 })
  done.hover = hover()
  vim.lsp.codelens.refresh()
  wait("no lenses", function()
    done.lenses = lenses()
    return vim.tbl_contains(vim.tbl_map(function(title)
      return title:sub(1, 4)
    end, done.lenses), "v5.9")
  end)

  local params = vim.lsp.util.make_range_params()
  params.context = { diagnostics = {} }
  local actions = ask("textDocument/codeAction", params)
  done.actions = vim.tbl_map(function(action)
    return action.title
  end, actions)
  vim.lsp.commands["ksrcfind.copyAnswer"](actions[1], { bufnr = log, client_id = vim.lsp.buf_get_clients(0)[1].id })
  wait("nothing was copied", function()
    done.copied = vim.fn.getreg('"')
    return done.copied ~= ""
  end)

  vim.lsp.buf.definition()
  wait("no definition", function()
    return vim.api.nvim_get_current_buf() ~= log
  end)
  done.file = vim.api.nvim_buf_get_name(0)
  done.line = vim.api.nvim_win_get_cursor(0)[1]
  done.text = vim.api.nvim_get_current_line()
  vim.lsp.codelens.refresh()
  wait("no lens in C", function()
    done.c_lenses = vim.tbl_filter(function(title)
      return title == "introduced in v5.9"
    end, lenses())[1]
    return done.c_lenses ~= nil
  end)
  params = vim.lsp.util.make_position_params()
  params.context = { includeDeclaration = false }
  done.references = vim.tbl_map(function(place)
    return place.range.start.line + 1
  end, ask("textDocument/references", params))

  vim.cmd("buffer " .. log)
  local count = vim.api.nvim_buf_line_count(0)
  local file = assert(io.open(vim.env.KSRCFIND_LOG, "a"))
  file:write("[1234580.000001] eth0: hw csum failure\n")
  file:close()
  wait("the log did not grow", function()
    return vim.api.nvim_buf_line_count(0) > count
  end)
  vim.api.nvim_win_set_cursor(0, { count + 1, 0 })
  done.grown = hover()
end)
done.error = not ok and tostring(problem) or nil
finish()
