# frozen_string_literal: true

require_relative 'test_helper'
require 'rbs'

# The signatures in sig/ name what is there.
class SignaturesTest < Minitest::Test
  FILES = Dir[File.expand_path('../sig/*.rbs', __dir__)]

  def test_everything_that_has_a_signature_is_there
    seen = FILES.sum { |file| RBS::Parser.parse_signature(File.read(file)).sum { |found| look(found, Object) } }
    assert_operator seen, :>, 150
  end

  private

  # How many members of the declaration are there; fails for one that isn't.
  def look(declared, place)
    return 0 unless declared.respond_to?(:members)

    owner = place.const_get(declared.name.name)
    declared.members.sum do |member|
      case member
      when RBS::AST::Declarations::Class, RBS::AST::Declarations::Module then look(member, owner)
      when RBS::AST::Members::MethodDefinition then there(owner, member.name, member.singleton?)
      when RBS::AST::Members::AttrReader, RBS::AST::Members::AttrAccessor then there(owner, member.name, false)
      else 0
      end
    end
  end

  def there(owner, name, singleton)
    found = singleton ? owner.respond_to?(name) : owner.method_defined?(name) || owner.private_method_defined?(name)
    assert found, "#{owner} has no #{name}, which its signature names"
    1
  end
end
