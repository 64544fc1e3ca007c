# frozen_string_literal: true

# A decision and a batch, as test_ruby.py has a real server run them.

TaskerCore.step_handler('ruby_route', inputs: [:items]) do |items|
  items.zero? ? skip_branches('nothing to count') : decision_success('cut', items:)
end

TaskerCore.step_handler('ruby_cut', inputs: [:items]) do |items|
  batch_analyzer_success('count', total_items: items, batch_size: 4)
end

TaskerCore.step_handler('ruby_count') do |context|
  piece = context.step_inputs['cursor']
  { counted: piece['end_cursor'] - piece['start_cursor'] }
end

TaskerCore.step_handler('ruby_sum') do |context|
  counts = context.dependency_results.select { |step, _| step.start_with?('count') }
  { sum: counts.values.sum { |wrapped| wrapped['result']['counted'] }, pieces: counts.size }
end
