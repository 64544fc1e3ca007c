# frozen_string_literal: true

require_relative 'step_handler/result'
require_relative 'step_handler/endings'
require_relative 'step_handler/base'
require_relative 'step_handler/injection'
require_relative 'step_handler/functional'
