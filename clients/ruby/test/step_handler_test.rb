# frozen_string_literal: true

require_relative 'test_helper'
require 'tmpdir'

class StepHandlerTest < Minitest::Test
  extend TaskerCore::StepHandler::Functional

  Cart = Struct.new(:total, :currency, keyword_init: true)
  Point = Struct.new(:x, :y)

  Charge = step_handler('test_charge', depends_on: { cart: ['validate', Cart], raw: :validate },
                                       inputs: [:card]) do |cart, raw, card:, context:|
    return failure('no card', retryable: false, error_code: 'no_card') if card.nil?

    { cart: cart.total, raw:, card:, key: context.idempotency_key }
  end
  # Refuses what is no number.
  class Amount
    def initialize(cents:)
      @cents = Integer(cents)
    end
  end

  Strict = step_handler('test_strict', inputs: Amount) { |inputs:| inputs }
  Plain = step_handler('test_plain', inputs: [:kind]) do |kind|
    case kind
    when 'nil' then nil
    when 'number' then 7
    when 'struct' then Point.new(1, 2)
    when 'permanent' then raise TaskerCore::Errors::BusinessLogicError.new('no', error_code: 'E1', context: { a: 1 })
    when 'retryable' then raise TaskerCore::Errors::RetryableError.new('later', retry_after: 1.5)
    when 'crash' then raise KeyError, 'boom'
    when 'unready' then raise NotImplementedError
    end
  end

  class Refund < TaskerCore::StepHandler::Base
    handler_name 'test_refund'
    depends_on 'charge_card', :validate

    def call(context)
      raise TaskerCore::Errors::NetworkError, 'gone' if context.get_input(:fail)

      success({ refunded: context.get_dependency_field('charge_card', 'lines', 0, 'id') }, metadata: { by: 'test' })
    end

    def partly(_context)
      checkpoint_yield(cursor: { page: 2 }, items_processed: 10, accumulated_results: [1])
    end
  end

  def run_one(handler, input = {}, method: nil, results: {}, **lease)
    lease = { 'context' => input, 'attempt' => 1, 'max_attempts' => 3, 'idempotency_key' => 'key',
              'dependency_results' => results.transform_values { |result| { 'result' => result } }, **lease }
    handler.new.run(TaskerCore::StepContext.new(lease), method)
  end

  def test_a_block_gets_what_it_names
    ended = run_one(Charge, { 'card' => 'visa' }, results: { 'validate' => { 'total' => 40, 'more' => 1 } })
    assert_equal({ cart: 40, raw: { 'total' => 40, 'more' => 1 }, card: 'visa', key: 'key' }, ended.value)
  end

  def test_a_block_may_return_a_failure
    ended = run_one(Charge, {}, results: { 'validate' => { 'total' => 40 } })
    assert_equal ['fail', { error: { message: 'no card', error_type: 'handler_error', error_code: 'no_card',
                                     retryable: false, context: {} } }], ended.report
  end

  def test_data_that_does_not_fit_its_model_fails_for_good
    ended = run_one(Strict, { 'cents' => 'many' })
    assert_equal ['validation_error', false], [ended.error_type, ended.retryable?]
    assert_includes ended.message, "the task's context does not fit"
  end

  def test_what_is_returned_is_the_result
    { 'nil' => {}, 'number' => { result: 7 }, 'struct' => { x: 1, y: 2 } }.each do |kind, result|
      assert_equal ['complete', { result:, metadata: {} }], run_one(Plain, { 'kind' => kind }).report
    end
  end

  def test_what_is_raised_is_the_failure
    { 'permanent' => ['permanent_error', false, 'E1', nil], 'retryable' => ['retryable_error', true, nil, 1_500],
      'crash' => ['handler_error', true, nil, nil], 'unready' => ['handler_error', true, nil, nil] }
      .each do |kind, wanted|
      operation, body = run_one(Plain, { 'kind' => kind }).report
      error = body[:error]
      assert_equal ['fail', *wanted],
                   [operation, *error.values_at(:error_type, :retryable, :error_code, :retry_after_ms)]
      assert_includes error[:backtrace].first, __FILE__
    end
    assert_equal({ a: 1 }, run_one(Plain, { 'kind' => 'permanent' }).metadata)
  end

  def test_a_class_is_called
    ended = run_one(Refund, {}, results: { 'charge_card' => { 'lines' => [{ 'id' => 'ch_1' }] } })
    assert_equal ['complete', { result: { refunded: 'ch_1' }, metadata: { by: 'test' } }], ended.report
    assert_equal 'NetworkError', run_one(Refund, { 'fail' => true }).error_type
  end

  def test_the_template_may_name_a_method_of_the_class_and_no_other
    assert_equal ['checkpoint', { cursor: { page: 2 }, items_processed: 10, accumulated_results: [1] }],
                 run_one(Refund, method: 'partly').report
    %w[instance_eval success missing].each { |name| assert_predicate run_one(Refund, method: name), :success? }
  end

  def test_decisions_and_batches_are_told_as_the_server_reads_them
    handler = Refund.new
    assert_equal({ decision_point_outcome: { type: 'create_steps', step_names: %w[a b] }, routing_context: { sum: 5 } },
                 handler.decision_success(:a, 'b', sum: 5).value)
    assert_equal({ decision_point_outcome: { type: 'no_branches' }, reason: 'free' },
                 handler.skip_branches('free').value)
    pieces = handler.batch_analyzer_success('count', total_items: 5, batch_size: 2).value[:batch_processing_outcome]
    assert_equal([['001', 0, 2, 2], ['002', 2, 4, 2], ['003', 4, 5, 1]], pieces[:cursor_configs].map(&:values))
    nothing = handler.batch_analyzer_success('count', total_items: 0, batch_size: 2)
    assert_equal({ type: 'no_batches' }, nothing.value[:batch_processing_outcome])
    assert_raises(TaskerCore::Errors::ConfigurationError) do
      handler.batch_analyzer_success('count', total_items: 1, batch_size: 0)
    end
  end

  def test_handlers_are_found_by_their_names
    registry = TaskerCore::HandlerRegistry.instance
    assert_equal [Charge, Refund], [registry['test_charge'], registry['test_refund']]
    assert_equal %w[charge_card validate], registry['test_refund'].declared_dependencies
    assert_equal %w[validate], registry['test_charge'].declared_dependencies
    refute_includes registry.handlers.values, TaskerCore::StepHandler::FunctionalHandler
  end

  def test_handlers_are_loaded_from_files_and_directories
    Dir.mktmpdir do |directory|
      %w[one two].each do |name|
        File.write(File.join(directory, "#{name}.rb"), "TaskerCore.step_handler('loaded_#{name}') { 1 }")
      end
      registry = TaskerCore::HandlerRegistry.instance
      registry.load_files([File.join(directory, 'one.rb'), directory])
      assert_equal %w[loaded_one loaded_two], registry.names.grep(/loaded_/)
      missing = File.join(directory, 'three.rb')
      error = assert_raises(TaskerCore::HandlerDeclarationError) { registry.load_files([missing]) }
      assert_equal "#{missing}: there is no such file or directory", error.message
    end
  end

  def test_a_handler_that_can_not_work_is_refused_where_it_is_declared
    functional = TaskerCore::StepHandler::Functional
    { 'nothing gives the block its parameter cart' => -> { functional.step_handler('x') { |cart| cart } },
      'takes no card' => -> { functional.step_handler('x', inputs: [:card]) { |context:| context } },
      'card is given twice' => lambda {
        functional.step_handler('x', inputs: [:card], depends_on: { card: 'a' }) { |card| card }
      },
      'it has no block' => -> { functional.step_handler('x') } }.each do |said, declaration|
      assert_includes assert_raises(TaskerCore::HandlerDeclarationError, &declaration).message, said
    end
    refute_includes TaskerCore::HandlerRegistry.instance.names, 'x'
  end

  def test_what_did_not_come_along_is_asked_for
    asked = []
    reader = lambda do |step|
      asked << step
      { 'result' => 5 }
    end
    context = TaskerCore::StepContext.new({ 'dependency_results' => { 'known' => nil } }, reader:)
    assert_equal [nil, 5, ['far']],
                 [context.get_dependency_result('known'), context.get_dependency_result(:far), asked]
  end

  def test_a_context_tells_of_the_attempt
    context = TaskerCore::StepContext.new({ 'attempt' => 3, 'max_attempts' => 3, 'context' => { 'a' => nil },
                                            'checkpoint' => { 'cursor' => 7 } })
    assert_equal [2, true, true, 7, 0, 'else', false],
                 [context.retry_count, context.retry?, context.last_retry?, context.checkpoint_cursor,
                  context.checkpoint_items_processed, context.get_input_or('a', 'else'), context.cancelled?]
  end
end
